"""Every page as a reader meets it: nothing fetched, nothing thrown, readable by all, at every width, in both themes."""

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import numpy as np
import pytest

from course_lib import publishing
from course_lib.recurrent import rnn_forward
from tests.book.browsing import ROOT, THEMES, in_both_themes, opened

PAGES = publishing.page_names(ROOT)
# Sphinx makes these; they have no content of ours, but a reader lands there.
MADE = ["genindex", "py-modindex", "search"]

browsing = pytest.mark.browser


@functools.cache
def axe_source():
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


@pytest.fixture(scope="session")
def visit(base, browser):
    """Return a function that reads a page once, on a desk and then on a telephone, and says all that was seen."""

    @functools.cache
    def visit(name, theme):
        seen = {}
        with opened(browser, base, name, theme=theme) as (page, outside, errors):
            seen["theme"] = page.evaluate("document.documentElement.dataset.theme")
            seen["formulas"] = page.locator(".math").count()
            seen["typeset"] = page.locator(".math mjx-container").count()
            seen["broken"] = page.locator("mjx-container [data-mjx-error], mjx-container merror").count()
            seen["undescribed"] = page.eval_on_selector_all(
                ".bd-article img, "
                ".bd-article svg:not([aria-hidden=true], [aria-hidden=true] *, mjx-container *, button *)",
                """found => found.filter(e => !(e.getAttribute('alt') || e.getAttribute('aria-label')))
                              .map(e => e.outerHTML.slice(0, 120))""",
            )
            page.mouse.wheel(0, 400)
            page.evaluate(axe_source())
            seen["faults"] = {1200: axe(page)}
            page.set_viewport_size({"width": 390, "height": 844})
            page.wait_for_timeout(200)
            seen["width"] = page.evaluate("document.documentElement.scrollWidth")
            # Beyond the edge, and in nothing that scrolls: lost to the reader even if the page is no wider.
            seen["beyond"] = page.evaluate(
                """() => {
                     const frame = '.bd-main, .bd-content, .bd-article-container, body, html';
                     const scrolls = (e) => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) && !e.matches(frame)
                       || scrolls(e.parentElement));
                     return [...document.querySelectorAll('.bd-article *')]
                       .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e))
                       .slice(0, 5).map((e) => `${e.tagName}.${e.getAttribute('class')}`);
                   }"""
            )
            seen["faults"][390] = axe(page)
        return seen | {"outside": outside, "errors": errors}

    return visit


def axe(page):
    """Return axe-core's serious findings; the theme's own are repaired in book/_ext, so none is let through."""
    # Preloading would fetch style sheets from guessed addresses, and the page would be blamed.
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]}\n    {node['failureSummary']}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


every_page = pytest.mark.parametrize("name", PAGES + MADE)
both_themes = pytest.mark.parametrize("theme", THEMES)


@browsing
@both_themes
@every_page
def test_a_page_asks_nothing_of_the_network_and_raises_no_error(name, theme, visit):
    seen = visit(name, theme)
    assert seen["theme"] == theme
    assert not seen["outside"], f"{name} asked for {seen['outside']}"
    assert not seen["errors"], f"{name}: {seen['errors']}"


@browsing
@both_themes
@every_page
def test_a_page_fits_a_telephone(name, theme, visit):
    seen = visit(name, theme)
    assert seen["width"] <= 390, f"{name} is {seen['width']} px wide; beyond the edge: {seen['beyond']}"
    assert not seen["beyond"], f"{name} puts beyond the edge, where nothing scrolls: {seen['beyond']}"


@browsing
@pytest.mark.parametrize("width", [1200, 390])
@both_themes
@every_page
def test_a_page_has_no_serious_fault_that_axe_can_find(name, theme, width, visit):
    found = visit(name, theme)["faults"][width]
    assert not found, f"{name}, {theme}, {width} px:\n  " + "\n  ".join(found)


@browsing
@pytest.mark.parametrize("name", PAGES)
def test_every_formula_is_typeset_and_every_picture_described(name, visit):
    seen = visit(name, "light")
    assert seen["typeset"] >= seen["formulas"], f"{seen['formulas']} formulas, {seen['typeset']} typeset"
    assert not seen["broken"], "a formula has an error in it"
    assert not seen["undescribed"], seen["undescribed"]


@browsing
def test_formulas_are_counted_at_all(visit):
    assert visit("book/notation", "light")["formulas"] > 50


class _Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and attributes.get("href"):
            self.links.append((attributes["href"], "download" in attributes))


@functools.cache
def read(path):
    return _Links(path.read_text())


@pytest.mark.book
@pytest.mark.parametrize("name", [*PAGES, *MADE, "index"])
def test_every_link_within_the_book_leads_somewhere(name, site):
    here = site / f"{name}.html"
    for link, _ in read(here).links:
        target, anchor = urldefrag(link)
        if urlsplit(target).scheme:
            continue
        path = (here.parent / unquote(target)).resolve() if target else here
        assert path.is_file(), f"{name} links to {link}, which is not in the site"
        if anchor and path.suffix == ".html":
            assert unquote(anchor) in read(path).ids, f"{name} links to {link}, and that page has no such place"


@pytest.mark.book
@pytest.mark.parametrize("name", [name for name in PAGES if publishing.read_page(ROOT, name)])
def test_a_page_that_runs_offers_a_notebook_that_opens(name, site):
    here = site / f"{name}.html"
    offered = [(here.parent / unquote(link)).resolve() for link, download in read(here).links if download]
    notebooks = [path for path in offered if path.suffix == ".ipynb"]
    assert f"{Path(name).name}.ipynb" in {path.name for path in notebooks}, f"{name} does not offer its own notebook"
    for path in notebooks:
        nbformat.validate(nbformat.read(path, as_version=4))


# --- the interactive figure -----------------------------------------------------------------------------------------

FIGURE = ".rnn-unrolled"
W_xh, W_hh, b_h = np.array([[1.0, 0], [0, 1], [-1, 1]]), np.array([[0.5, -1], [1, 0.5]]), np.zeros(2)


def states_of(word):
    xs = np.eye(3)[["abc".index(letter) for letter in word]][:, None]
    return rnn_forward(xs, W_xh, W_hh, b_h)[:, 0]


figure = in_both_themes("book/recurrent/rnn")


def said(page):
    return page.inner_text(f"{FIGURE} [aria-live]").replace("−", "-")


def numbers_after(label, text):
    found = re.search(rf"^{re.escape(label)}\s*\[([^\]]*)\]", text, re.MULTILINE)
    assert found, f"found no {label!r} in:\n{text}"
    return np.array([float(number) for number in found[1].split(",")])


@browsing
def test_arrow_keys_step_through_time_and_the_numbers_are_those_of_numpy(figure):
    hs = np.vstack([np.zeros(2), states_of("cabba")])
    figure.focus(f"{FIGURE} .on")
    for t in range(1, 6):
        text, x_t = said(figure), np.eye(3)["abc".index("cabba"[t - 1])]
        assert f"Step {t} of 5 reads {'cabba'[t - 1]}" in text
        expected = {
            f"x{t} Wxh": x_t @ W_xh,
            f"+ h{t - 1} Whh": hs[t - 1] @ W_hh,
            f"= z{t}": x_t @ W_xh + hs[t - 1] @ W_hh + b_h,
            f"h{t} = tanh z{t}": hs[t],
        }
        for label, numbers in expected.items():
            np.testing.assert_allclose(numbers_after(label, text), numbers, atol=0.0051, err_msg=f"step {t}, {label}")
        figure.keyboard.press("ArrowRight")
    for _ in range(6):
        figure.keyboard.press("ArrowLeft")
    assert "Before the first letter the state is zero" in said(figure)


@browsing
def test_the_whole_figure_works_by_keyboard_alone(figure):
    figure.locator(f"{FIGURE} .letter").first.focus()
    order = []
    for _ in range(9):
        order.append(figure.evaluate("document.activeElement.className.split(' ')[0]"))
        outline = figure.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        figure.keyboard.press("Tab")
    assert order == ["letter"] * 5 + ["back", "on", "reset", "fold"]
    assert outline != "none", "the focus cannot be seen"
    figure.focus(f"{FIGURE} .on")
    for _ in range(6):
        figure.keyboard.press("Enter")
    assert "Step 5 of 5" in said(figure)
    assert figure.evaluate("document.activeElement.className") == "on", "focus is lost when Next is used up"


@browsing
@pytest.mark.parametrize("k", [1, 3, 5])
def test_changing_a_letter_changes_its_own_state_and_the_later_ones_only(k, figure):
    figure.locator(f"{FIGURE} .letter").nth(k - 1).click()
    word = list("cabba")
    word[k - 1] = {"a": "b", "b": "c", "c": "a"}[word[k - 1]]
    text = said(figure)
    assert f"Letter {k} is now {word[k - 1]}." in text
    drawn = figure.eval_on_selector_all(f"{FIGURE} .tag", "tags => tags.map(tag => tag.textContent)")
    assert drawn == ["same"] * (k - 1) + ["changed"] * (6 - k)
    shown = figure.eval_on_selector_all(f"{FIGURE} .number", "all => all.map(n => n.textContent.replace('−', '-'))")
    np.testing.assert_allclose(np.array(shown, float).reshape(6, 2)[1:], states_of(word), atol=0.0051)


@browsing
def test_reset_brings_the_word_back_and_fold_leaves_one_copy(figure):
    letters = figure.locator(f"{FIGURE} .letter")
    letters.nth(0).click()
    assert letters.all_inner_texts() == list("aabba")
    figure.click(f"{FIGURE} .reset")
    assert letters.all_inner_texts() == list("cabba")
    assert figure.locator(f"{FIGURE} .cell").count() == 5
    figure.click(f"{FIGURE} .fold")
    assert figure.locator(f"{FIGURE} .cell").count() == 1
    assert figure.get_attribute(f"{FIGURE} .fold", "aria-pressed") == "true"


@browsing
def test_without_scripts_the_unrolled_network_is_still_drawn(base, browser):
    with opened(browser, base, "book/recurrent/rnn", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        assert not page.locator(f"{FIGURE} .controls").is_visible()
        drawn = page.locator(f"{FIGURE} .still svg").text_content().replace("−", "-")
    for number in states_of("cabba").ravel():
        assert f"{number:.2f}" in drawn


@browsing
@pytest.mark.parametrize("theme", THEMES)
def test_a_plot_shows_the_picture_of_the_readers_theme(theme, base, browser):
    with opened(browser, base, "book/recurrent/rnn", theme=theme) as (page, _, _):
        for plot in page.locator("figure.plot").all():
            seen = [image.get_attribute("class") for image in plot.locator("img").all() if image.is_visible()]
            assert seen == [f"only-{theme}"]
            assert plot.locator("figcaption").is_visible(), "the caption went with the hidden picture"
