"""The figures that one plays with on the pages about language models: by keyboard, and with the numbers of NumPy."""

import json

import numpy as np
import pytest

from course_lib.recurrent import sample
from tests.book.browsing import in_both_themes, opened

pytestmark = pytest.mark.browser


price = in_both_themes("book/recurrent/language-models")


sampling = in_both_themes("book/recurrent/sampling")


def embedded(page, name):
    return json.loads(page.inner_text(f"#{name}") or page.locator(f"#{name}").text_content())


def test_stepping_through_a_sentence_adds_up_its_bits(price):
    given, other = embedded(price, "lm-price-data")
    T = len(given["text"])
    price.focus(".lm-price .on")
    for _ in range(T + 1):
        price.keyboard.press("ArrowRight")
    assert f"Character {T} of {T} was the end" in price.inner_text(".lm-price .live")
    paid = price.locator(".lm-price .paid").all_inner_texts()
    parts = price.locator(".lm-price .parts").all_inner_texts()
    letters = np.array([c.isalpha() and len(c) == 1 for c in given["text"]])
    inside = letters & np.append(False, letters[:-1])
    for model, text, part in zip(given["models"], paid, parts, strict=True):
        bits = -np.log2(model["p"])
        assert f"paid {bits.sum():.1f} bits" in text
        assert text.endswith(f"; P = 2−{bits.sum():.1f}")
        sums = bits[letters & ~inside].sum(), bits[inside].sum(), bits[~letters].sum()
        assert part == "first letters {:.1f} · inside {:.1f} · rest {:.1f}".format(*sums)
    price.keyboard.press("ArrowLeft")
    assert f"Character {T - 1} of {T}" in price.inner_text(".lm-price .live")
    price.click(".lm-price .reset")
    price.click(".lm-price .word")
    first = given["text"].index(" ") + 1
    assert f"Character {first} of {T} was a space" in price.inner_text(".lm-price .live")
    price.click(".lm-price .other")
    assert price.inner_text(".lm-price .which") == "Sentence 2 of 2"
    price.click(".lm-price .on")
    assert f"Character 1 of {len(other['text'])} was {other['text'][0]}" in price.inner_text(".lm-price .live")
    price.click(".lm-price .other")


def test_the_likeliest_characters_are_listed_with_their_probabilities(price):
    for model in (model for given in embedded(price, "lm-price-data") for model in given["models"]):
        for rows, p in zip(model["top"], model["p"], strict=True):
            shares = [share for _, share in rows]
            assert shares == sorted(shares, reverse=True)
            assert 0 < sum(shares) <= 1.0005
            assert p <= shares[0] + 1e-3
    price.click(".lm-price .reset")
    assert price.locator(".lm-price li").all_inner_texts() == ["?"] * 10  # the reader guesses first
    price.click(".lm-price .on")
    given, _ = embedded(price, "lm-price-data")
    assert price.locator(".lm-price li").count() == 10
    listed = sum(given["text"][0] in [c for c, _ in model["top"][0]] for model in given["models"])
    assert price.locator(".lm-price .hit").count() == listed


@pytest.mark.parametrize(
    "knobs", [{}, {"temperature": 0.5}, {"k": 3}, {"p": 0.6}, {"temperature": 1.5, "k": 6, "p": 0.85}]
)
def test_the_sliders_leave_the_tokens_that_the_library_may_draw(knobs, sampling):
    given = embedded(sampling, "sampling-knobs-data")
    for name, value in knobs.items():
        sampling.evaluate(
            """([name, value]) => { const input = document.querySelector(`.sampling-knobs .${name}`);
            input.value = value; input.dispatchEvent(new Event("input")); }""",
            [name, value],
        )
    logits = np.array(given[0]["logits"])[None].repeat(20_000, axis=0)
    how = {"temperature": knobs.get("temperature", 1.0), "top_k": knobs.get("k"), "top_p": knobs.get("p")}
    drawn = np.bincount(sample(logits, np.random.default_rng(0), **how), minlength=logits.shape[1])
    text = sampling.inner_text(".sampling-knobs .live")
    left = int(text.split(" of ")[0])
    assert (drawn[left:] == 0).all(), "the library draws a token that the figure has struck out"
    assert left <= 12 and (drawn[: min(left, 4)] > 0).all() if knobs.get("k") or knobs.get("p") else left == len(drawn)
    share = int(text.split(" has ")[1].split(" %")[0]) / 100
    assert abs(share - drawn[0] / drawn.sum()) < 0.02
    sampling.click(".sampling-knobs .draw")
    assert len(sampling.inner_text(".sampling-knobs .drawn").split()) == 21


def test_each_knob_has_a_name_and_25_tokens_can_be_kept(sampling):
    names = sampling.eval_on_selector_all(".sampling-knobs input", "all => all.map(n => n.getAttribute('aria-label'))")
    assert names == ["temperature", "top-k", "nucleus π"]
    sampling.click(".sampling-knobs .reset")
    for key, left in (("ArrowLeft", "25 of 71"), ("ArrowRight", "71 of 71")):
        sampling.focus(".sampling-knobs .k")
        sampling.keyboard.press(key)
        assert sampling.inner_text(".sampling-knobs .live").startswith(left)


def test_the_knobs_draw_no_bar_of_negative_width_while_they_are_hidden(sampling):
    sampling.eval_on_selector(
        ".sampling-knobs", "root => { root.style.display = 'none'; root.querySelector('.reset').click(); }"
    )
    widths = sampling.eval_on_selector_all(
        ".sampling-knobs rect", "all => all.map(n => Number(n.getAttribute('width')))"
    )
    assert min(widths) > 0


def test_the_knobs_bars_are_as_high_as_the_axis_beside_them_says(sampling):
    given = embedded(sampling, "sampling-knobs-data")
    for i, place in enumerate(given):
        sampling.select_option(".sampling-knobs .context", str(i))
        p = np.exp(place["logits"]) / np.exp(place["logits"]).sum()
        top = int(sampling.locator(".sampling-knobs .tick").last.text_content().split()[0]) / 100
        tallest = float(sampling.locator(".sampling-knobs .bar").first.get_attribute("height"))
        assert tallest == pytest.approx(150 * p[0] / top, rel=1e-3)
        assert 0.2 <= p[0] / top <= 1


def shown(page):
    return page.inner_text(".human-or-machine .snippet").removeprefix("… ").removesuffix(" …")


def test_a_game_of_twelve_can_be_played_by_keyboard_and_is_scored(sampling):
    given = embedded(sampling, "human-or-machine-data")
    by_text = {snippet["text"]: snippet for snippet in given["snippets"]}
    for length in given["lengths"]:
        kinds = [s["human"] for s in given["snippets"] if s["length"] == length]
        assert sum(kinds) >= 2 and len(kinds) - sum(kinds) >= 2
    sampling.focus(".human-or-machine .human")
    for n in range(12):
        truth = by_text[shown(sampling)]["human"]
        assert f"Snippet {n + 1} of 12" in sampling.inner_text(".human-or-machine .count")
        sampling.focus(f".human-or-machine .{'human' if truth else 'machine'}")
        sampling.keyboard.press("Enter")
        assert sampling.inner_text(".human-or-machine .live").startswith("Right")
        if n < 11:
            sampling.keyboard.press("Enter")
    assert "You were right 12 times of 12" in sampling.inner_text(".human-or-machine .live")
    sampling.keyboard.press("Enter")
    assert "Snippet 1 of 12. Right so far: 0." in sampling.inner_text(".human-or-machine .count")
    truth = by_text[shown(sampling)]["human"]
    sampling.click(f".human-or-machine .{'machine' if truth else 'human'}")
    assert sampling.inner_text(".human-or-machine .live").startswith("Wrong")


@pytest.mark.parametrize(
    ("page", "name"),
    [("language-models", "lm-price"), ("sampling", "sampling-knobs"), ("sampling", "human-or-machine")],
)
def test_without_scripts_a_sentence_says_what_would_be_here(page, name, base, browser):
    with opened(browser, base, f"book/recurrent/{page}", scripts=False) as (opened_page, _, _):
        assert opened_page.locator(f".{name} .still").is_visible()
        assert not opened_page.locator(f".{name} .moving").is_visible()
