"""The figure on one unit and ten numbered words: its counts are NumPy's for every threshold, side and numbering."""

import re

import numpy as np
import pytest

from tests.book.browsing import in_both_themes, opened

FIGURE = ".one-threshold"
NOUNS = ["cat", "dog", "mat", "grass"]

figure = in_both_themes("book/sequences/text-as-numbers")


def words(page):
    return page.locator(f"{FIGURE} .word b").all_inner_texts()


def nouns_of(page):
    return np.isin(words(page), NOUNS)


def check(page):
    nouns = nouns_of(page)
    turns = np.sum(nouns[1:] != nouns[:-1])
    answers = [np.arange(10) >= threshold for threshold in range(11)]
    best = max(np.sum(same == nouns) for yes in answers for same in (yes, ~yes))
    page.focus(f"{FIGURE} input")
    page.keyboard.press("Home")
    above = page.inner_text(f"{FIGURE} .side").startswith("yes from")
    for yes in answers:
        yes = yes if above else ~yes
        said = page.inner_text(f"{FIGURE} [aria-live]")
        assert f"right about {np.sum(yes == nouns)} of the 10 words; best possible: {best} of 10." in said
        assert f"has {turns} turn" in said
        assert page.locator(f"{FIGURE} .yes").count() == yes.sum()
        assert page.locator(f"{FIGURE} .wrong").count() == np.sum(yes != nouns)
        page.keyboard.press("ArrowRight")
    return turns, best


@pytest.mark.browser
def test_every_threshold_is_counted_as_numpy_counts_it(figure):
    assert check(figure) == (4, 8)  # as the caption says
    figure.click(f"{FIGURE} .side")
    assert check(figure) == (4, 8)
    figure.click(f"{FIGURE} .shuffle")
    check(figure)
    figure.click(f"{FIGURE} .best")
    assert nouns_of(figure).sum() == 4
    found, best = re.search(r"about (\d+) .* possible: (\d+)", figure.inner_text(f"{FIGURE} [aria-live]")).groups()
    assert found == best
    figure.click(f"{FIGURE} .reset")
    assert " ".join(words(figure)) == "a the on is cat dog sat mat grass ."


@pytest.mark.browser
def test_words_swapped_by_keyboard_until_the_nouns_lie_at_one_end_have_one_turn(figure):
    for _ in range(2):  # sat to the left of cat, as two swaps of neighbours
        at = words(figure).index("sat")
        figure.locator(f"{FIGURE} .word").nth(at - 1).focus()
        figure.keyboard.press("Enter")
    figure.locator(f"{FIGURE} .word").nth(9).press("Enter")  # the last one swaps with the one before it
    figure.locator(f"{FIGURE} .word").nth(7).press("Enter")
    assert " ".join(words(figure)) == "a the on is sat cat dog . mat grass"
    for at in (6, 5):
        figure.locator(f"{FIGURE} .word").nth(at).press("Enter")
    assert check(figure) == (1, 10)


@pytest.mark.browser
def test_without_scripts_the_listed_numbering_is_still_drawn(base, browser):
    with opened(browser, base, "book/sequences/text-as-numbers", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        assert not page.locator(f"{FIGURE} .moving").is_visible()
