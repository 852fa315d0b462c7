"""The figure on padding: its sentences are the novel's, and what it says is what NumPy says, by keyboard too."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from course_lib import data
from course_lib.text import tokenize
from tests.book.browsing import ROOT, in_both_themes, opened

FIGURE = ".padding-figure"


@pytest.fixture(scope="module")
def lengths():
    """Of the novel's sentences, as the page splits them."""
    novel = data.load("pride-prejudice")
    text = re.sub(r"Chapter \d+|_", "", novel[novel.index("It is a truth") :])
    text = re.sub(r"\b(Mr|Mrs|Dr)\.", r"\1", text)
    pieces = re.split(r"(?<=[.!?])[\"')\s]+", " ".join(text.split()))
    return [len(tokenize(piece)) for piece in pieces if piece]


def said_by_numpy(size, lengths):
    batches = [lengths[start : start + size] for start in range(0, len(lengths), size)]
    computed = sum(len(batch) * max(batch) for batch in batches)
    return sum(lengths), computed - sum(lengths), 100 * (computed - sum(lengths)) / computed


def fixed(number, digits):
    """As JavaScript's toFixed writes it: exact ties go up."""
    return str(Decimal(number).quantize(Decimal(10) ** -digits, ROUND_HALF_UP))


figure = in_both_themes("book/sequences/text-as-numbers")


@pytest.mark.browser
def test_what_the_figure_says_is_what_numpy_says(figure, lengths):
    for button, many in enumerate((64, 512, len(lengths))):
        figure.locator(f"{FIGURE} .many button").nth(button).click()
        figure.focus(f"{FIGURE} input")
        figure.keyboard.press("Home")
        sizes = [size for size in (1, 2, 4, 8, 16, 32, 64, 128) if size <= many]
        assert figure.get_attribute(f"{FIGURE} input", "max") == str(len(sizes) - 1)
        for size in sizes:
            for order, shown in ((".come", lengths[:many]), (".sorted", sorted(lengths[:many]))):
                figure.click(f"{FIGURE} {order}")
                tokens, padding, share = said_by_numpy(size, shown)
                said = figure.inner_text(f"{FIGURE} [aria-live]")
                assert f"{tokens} tokens and {padding} of padding. {fixed(share, 1)} % of the work is wasted" in said
                percent = 100 * (size - 1) / (many + size)
                ratio = f"(B − 1) / (N + B) is {fixed(percent, 2 if percent < 1 else 1)} %"
                assert (ratio in said) == (order == ".sorted" and size < many)
                label = figure.get_attribute(f"{FIGURE} .stage svg", "aria-label")
                assert f"{many} columns" in label and f"{fixed(share, 1)} %" in label
                assert figure.get_attribute(f"{FIGURE} path.real", "d").count("M") == many
                assert figure.get_attribute(f"{FIGURE} {order}", "aria-pressed") == "true"
            figure.focus(f"{FIGURE} input")
            figure.keyboard.press("ArrowRight")


def test_the_still_draws_the_first_sentences_in_batches_of_eight(lengths):
    still = (ROOT / "book/sequences/figures/padding.html").read_text()
    real, _ = re.findall(r'<path d="([^"]*)"', still)
    assert [int(high) for high in re.findall(r"h7v(\d+)h-7z", real)] == [2 * length for length in lengths[:64]]


@pytest.mark.browser
def test_without_scripts_the_batches_are_still_drawn(base, browser):
    with opened(browser, base, "book/sequences/text-as-numbers", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        assert not page.locator(f"{FIGURE} .controls").is_visible()
