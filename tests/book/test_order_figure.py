"""The figure on stepping through parity: what it says is what NumPy says, at every steepness, by keyboard too."""

import re

import numpy as np
import pytest

from course_lib.functional import sigmoid
from course_lib.recurrent import rnn_forward
from tests.book.browsing import in_both_themes, opened

FIGURE = ".parity-steps"
BITS = "110100000000"


def by_numpy(bits, steepness):
    """Read the bits by the weights of the chapter, its 8 replaced; states, parity, and where the answer is right."""
    xs = np.array([int(bit) for bit in bits], float)
    W_xh, b_h = np.full((1, 2), steepness), steepness * np.array([-0.5, -1.5])
    W_hh = steepness * np.array([[0.5, 0.5], [-0.5, -0.5]])
    hs = rnn_forward(xs[:, None, None], W_xh, W_hh, b_h)[:, 0]
    s = (hs[:, 0] - hs[:, 1]) / 2
    odd = xs.cumsum() % 2 == 1
    return hs, s, odd, sigmoid(steepness * (s - 0.5)), (s > 0.5) == odd


figure = in_both_themes("book/sequences/order-matters")


def said(page):
    return page.inner_text(f"{FIGURE} [aria-live]").replace("−", "-")


@pytest.mark.browser
@pytest.mark.parametrize("steepness", [8.0, 2.0])
def test_every_step_says_what_numpy_says(figure, steepness):
    figure.fill(f"{FIGURE} input", str(steepness))
    hs, s, odd, y, right = by_numpy(BITS, steepness)
    lost = (~by_numpy(BITS + "0" * 1000, steepness)[-1][12:]).sum()
    figure.focus(f"{FIGURE} .on")
    for _ in range(4):
        figure.keyboard.press("ArrowLeft")
    assert "Before the first bit the finger is on even" in said(figure)
    for t in range(12):
        figure.keyboard.press("ArrowRight")
        text = said(figure)
        assert f"Step {t + 1} of 12 reads {BITS[t]}. The finger is on {'odd' if odd[t] else 'even'}." in text
        numbers = re.search(r"= \[(\S+), (\S+)\], s\d+ = (\S+), probability of odd (\S+): (\w+)\.", text)
        shown = np.array([float(number) for number in numbers.groups()[:4]])
        np.testing.assert_allclose(shown, [*hs[t], s[t], y[t]], atol=0.00051, err_msg=f"step {t + 1}")
        assert numbers[5] == ("right" if right[t] else "wrong")
        assert f"wrong at {(~right).sum()} of these 12 steps, and at {lost} of 1000 zeros read after them" in text
    assert figure.locator(f"{FIGURE} .cross").count() == (~right).sum()


def test_the_caption_is_true_at_8_the_states_stay_and_at_2_the_last_one_is_lost_while_zeros_pass():
    _, s, odd, _, right = by_numpy(BITS, 8.0)
    assert right.all()
    assert np.abs(s - odd).max() < 1e-3
    assert by_numpy(BITS, 2.5)[-1].all()
    assert by_numpy(BITS + "0" * 1000, 2.4)[-1].all()
    assert not by_numpy(BITS + "0" * 1000, 2.3)[-1][-1]
    odd_side = np.linspace(0.501, 1.2, 100_001)
    for k, stays in ((2.32, False), (2.34, True)):  # "below about 2.33": a fixed point above one half
        assert (np.tanh(k * (odd_side - 0.5)) - np.tanh(k * (odd_side - 1.5)) > 2 * odd_side).any() == stays
    _, s, _, _, right = by_numpy(BITS, 2.0)
    assert right[:4].all()
    assert not right[-1]
    assert (np.diff(s[3:]) < 0).all()


@pytest.mark.browser
def test_bits_are_changed_by_click_and_typed_by_keyboard(figure):
    figure.locator(f"{FIGURE} .bit").nth(5).click()
    assert "Step 6 of 12 reads 1. The finger is on even." in said(figure)
    assert figure.locator(f"{FIGURE} .bit").nth(5).get_attribute("aria-label") == "Bit 6 of 12 is 1. Change it."
    figure.keyboard.press("1")
    assert "Step 7 of 12 reads 1. The finger is on odd." in said(figure)
    figure.click(f"{FIGURE} .reset")
    assert "Step 4 of 12 reads 1. The finger is on odd." in said(figure)
    figure.focus(f"{FIGURE} input")
    for _ in range(60):
        figure.keyboard.press("ArrowLeft")
    assert "Steepness 2: wrong at" in said(figure)
    assert "Step 4 of 12" in said(figure), "the arrow keys move the slider and the step at once"


@pytest.mark.browser
def test_without_scripts_steepness_2_is_still_drawn_and_crosses_mark_its_wrong_answers(base, browser):
    with opened(browser, base, "book/sequences/order-matters", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        dots = page.locator(f"{FIGURE} .still .dot").evaluate_all("all => all.map((dot) => dot.getAttribute('cy'))")
        crosses = page.locator(f"{FIGURE} .still .cross").get_attribute("d")
        _, s, _, _, right = by_numpy(BITS, 2.0)
        np.testing.assert_allclose(np.array(dots, float), 100 - 80 * s[right], atol=0.051)
        assert crosses.count("M") == (~right).sum()
        assert not page.locator(f"{FIGURE} .controls").is_visible()
