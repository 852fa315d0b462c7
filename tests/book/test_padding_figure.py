"""The figure on padding: its sentences are the novel's, and what it says is what NumPy says, by keyboard too."""

import re

import numpy as np
import pytest

from course_lib import data
from course_lib.text import tokenize
from tests.book.browsing import ROOT, THEMES, opened

FIGURE = ".padding-figure"
LENGTHS = [
    int(n)
    for n in re.search(r'data-lengths="([^"]*)"', (ROOT / "book/sequences/figures/padding.html").read_text())[1].split()
]


def said_by_numpy(size, lengths):
    batches = np.reshape(lengths, (-1, size))
    computed = size * batches.max(axis=1).sum()
    return sum(lengths), computed - sum(lengths), round(100 * (1 - sum(lengths) / computed))


def test_the_columns_are_the_first_sentences_of_the_novel():
    novel = data.load("pride-prejudice")
    text = re.sub(r"Chapter \d+|_", "", novel[novel.index("It is a truth") :])
    text = re.sub(r"\b(Mr|Mrs|Dr)\.", r"\1", text)
    pieces = re.split(r"(?<=[.!?])[\"')\s]+", " ".join(text.split()))
    assert [len(tokenize(piece)) for piece in pieces[:64]] == LENGTHS


@pytest.fixture(params=THEMES)
def figure(request, base, browser):
    with opened(browser, base, "book/sequences/text-as-numbers", theme=request.param) as (page, _, errors):
        yield page
        assert not errors


@pytest.mark.browser
def test_what_the_figure_says_is_what_numpy_says(figure):
    figure.focus(f"{FIGURE} input")
    figure.keyboard.press("Home")
    for size in (1, 2, 4, 8, 16, 32):
        for button, lengths in ((".come", LENGTHS), (".sorted", sorted(LENGTHS))):
            figure.click(f"{FIGURE} {button}")
            real, padding, share = said_by_numpy(size, lengths)
            assert f"{real} tokens and {padding} of padding. {share} % of the work is wasted." in figure.inner_text(
                f"{FIGURE} [aria-live]"
            )
            assert figure.locator(f"{FIGURE} .real").count() == 64
            assert figure.get_attribute(f"{FIGURE} {button}", "aria-pressed") == "true"
        figure.focus(f"{FIGURE} input")
        figure.keyboard.press("ArrowRight")


@pytest.mark.browser
def test_without_scripts_the_batches_are_still_drawn(base, browser):
    with opened(browser, base, "book/sequences/text-as-numbers", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        assert not page.locator(f"{FIGURE} .controls").is_visible()
