"""The interactive figures on the way back through time say what NumPy says, and work by keyboard."""

import json

import numpy as np
import pytest

from tests.book.browsing import in_both_themes, opened

pytestmark = pytest.mark.browser

FLOW = ".bptt-flow"
T, W = 5, 0.5


flow = in_both_themes("book/recurrent/bptt")


def shares(kept, w=W):
    """What loss t says about the use of the weight at step j, from the derivative of w ** (t - 1) split by use."""
    hs = [0.0, *(w**t for t in range(T))]  # h_0, then 1, w, w², …
    return np.array(
        [[w ** (t - j) * hs[j - 1] if j <= t and kept(t, j) else 0 for j in range(1, T + 1)] for t in range(1, T + 1)]
    )


def total(page):
    return float(page.text_content(f"{FLOW} .total").split(":")[1])


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("chunks", [False, True])
def test_the_sums_are_those_of_the_triangle_the_band_and_the_blocks(k, chunks, flow):
    flow.click(f"{FLOW} [data-k='{k}']")
    flow.click(f"{FLOW} [data-chunks='{int(chunks)}']")
    flow.focus(f"{FLOW} .on")
    expected = shares(lambda t, j: (t - 1) // k == (j - 1) // k if chunks else t - j < k)
    for done in range(1, T + 1):
        flow.keyboard.press("ArrowLeft")
        assert total(flow) == pytest.approx(expected[:, T - done :].sum())
    columns = flow.eval_on_selector_all(f"{FLOW} .share", "all => all.map(n => Number(n.textContent))")
    np.testing.assert_allclose(columns, expected.sum(axis=0))
    assert "of a true dL/dw of 3.25" in flow.inner_text(f"{FLOW} [aria-live]")


@pytest.mark.parametrize(("w", "whole", "reach_2"), [(0.5, 3.25, 2.75), (1, 10, 7), (2, 49, 29)])
def test_another_weight_moves_the_sums_to_those_that_the_caption_names(w, whole, reach_2, flow):
    flow.click(f"{FLOW} [data-w='{w}']")
    flow.focus(f"{FLOW} .on")
    for _ in range(T):
        flow.keyboard.press("ArrowLeft")
    assert total(flow) == pytest.approx(shares(lambda t, j: True, w).sum()) == whole
    flow.click(f"{FLOW} [data-k='2']")
    assert total(flow) == pytest.approx(shares(lambda t, j: t - j < 2, w).sum()) == reach_2
    assert f"of a true dL/dw of {whole}." in flow.inner_text(f"{FLOW} [aria-live]")


def test_the_flow_draws_no_box_of_negative_width_while_it_is_hidden(flow):
    flow.eval_on_selector(FLOW, "root => { root.style.display = 'none'; root.querySelector('.on').click(); }")
    widths = flow.eval_on_selector_all(f"{FLOW} rect", "all => all.map(n => Number(n.getAttribute('width')))")
    assert min(widths) > 0


def test_the_flow_is_undone_and_started_again_by_keyboard(flow):
    flow.focus(f"{FLOW} .on")
    for _ in range(7):
        flow.keyboard.press("Enter")
    assert flow.inner_text(f"{FLOW} [aria-live]").startswith("Step 1.")
    assert flow.evaluate("document.activeElement.className") == "on", "focus is lost when there is no step left"
    flow.keyboard.press("ArrowRight")
    assert flow.inner_text(f"{FLOW} [aria-live]").startswith("Step 2.")
    flow.focus(f"{FLOW} .reset")
    flow.keyboard.press("Enter")
    assert flow.inner_text(f"{FLOW} [aria-live]").startswith("Forward")


def test_without_scripts_the_triangle_is_a_table(base, browser):
    with opened(browser, base, "book/recurrent/bptt", scripts=False) as (page, _, _):
        assert not page.locator(f"{FLOW} .controls").first.is_visible()
        rows = page.locator(f"{FLOW} .still tr").all()[1:]
        shown = [[float(cell or 0) for cell in row.locator("td").all_inner_texts()] for row in rows]
    whole = shares(lambda t, j: True)
    np.testing.assert_allclose(shown, [*whole, whole.sum(axis=0)])


RADIUS = ".spectral-radius"


radius = in_both_themes("book/recurrent/vanishing-gradients")


def test_the_slider_moves_by_keyboard_and_the_power_is_that_of_its_number(radius):
    radius.focus(f"{RADIUS} input")
    assert radius.inner_text(f"{RADIUS} output") == "0.50", "it starts where no prediction is answered"
    for _ in range(8):
        radius.keyboard.press("ArrowRight")
    assert radius.inner_text(f"{RADIUS} output") == "0.90"
    assert "0.90 to the power of 40 is 0.015" in radius.inner_text(f"{RADIUS} [aria-live]")
    radius.keyboard.press("End")
    assert radius.inner_text(f"{RADIUS} output") == "2.00"
    assert "2.00 to the power of 40 is 1.1 · 10¹²" in radius.inner_text(f"{RADIUS} [aria-live]")
    radius.keyboard.press("ArrowLeft")
    assert radius.inner_text(f"{RADIUS} output") == "1.95"


def test_the_figures_numbers_obey_the_bound_that_the_page_derives(radius):
    data = json.loads(radius.inner_text("#spectral-radius-data") or radius.text_content("#spectral-radius-data"))
    for r, bent, straight in zip(data["radius"], data["tanh"], data["linear"], strict=True):
        bound = np.arange(len(bent)) * np.log10(r * data["stretch"])
        assert bent[0] == straight[0] == 0, "the gradient starts with length 1"
        assert np.all(bent <= bound + 0.01), f"tanh at radius {r}"
        assert np.all(straight <= bound + 0.01), f"no tanh at radius {r}"


def test_without_scripts_a_sentence_points_to_the_plot(base, browser):
    with opened(browser, base, "book/recurrent/vanishing-gradients", scripts=False) as (page, _, _):
        assert page.locator(f"{RADIUS} .still").is_visible()
        assert not page.locator(f"{RADIUS} input").is_visible()
