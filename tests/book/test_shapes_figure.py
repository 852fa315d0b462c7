"""The figure with the switches: what it says can move an answer is what moves it in a network, by keyboard too."""

import re

import numpy as np
import pytest

from course_lib.recurrent import rnn_forward
from tests.book.browsing import in_both_themes, opened

pytestmark = pytest.mark.browser

FIGURE = ".shape-switches"
N = 6
EVERY = set(range(1, N + 1))
SHAPES = {
    "one to one": ({1}, {1}),
    "one to many": ({1}, EVERY),
    "many to one": (EVERY, {6}),
    "aligned": (EVERY, EVERY),
    "delayed": ({1, 2, 3, 4}, {5, 6}),
    "wait 2": ({1, 2, 3, 4}, {3, 4, 5, 6}),
}

figure = in_both_themes("book/recurrent/shapes")


def moved(way):
    """An array whose entry t, i says whether input i + 1 moves answer t + 1, found by moving one input at a time."""
    rng = np.random.default_rng(0)
    xs, W_xh, W_hh = rng.normal(size=(N, 1, 2)), rng.normal(size=(2, 3)), rng.normal(size=(3, 3))

    def answers(xs):
        forward = rnn_forward(xs, W_xh, W_hh, np.zeros(3))
        backward = rnn_forward(xs[::-1], W_xh, W_hh, np.zeros(3))[::-1]
        return {"forward": forward, "backward": backward, "both ways": forward + backward}[way]

    before = answers(xs)
    columns = []
    for i in range(N):
        other = xs.copy()
        other[i] += 1
        columns.append(np.any(answers(other) != before, axis=(1, 2)))
    return np.array(columns).T


def said(page):
    return page.inner_text(f"{FIGURE} [aria-live]")


def inputs_in(sentence):
    """The steps of the inputs that a sentence lists."""
    return {int(step) for step in re.findall(r"x\s*(\d)", sentence)}


def button(page, name):
    return page.locator(f"{FIGURE} .choice", has_text=re.compile(f"^{name}$"))


@pytest.mark.parametrize("way", ["forward", "backward", "both ways"])
def test_what_can_move_an_answer_is_what_moves_it(way, figure):
    moves = moved(way)
    button(figure, way).click()
    for shape, (ins, asks) in SHAPES.items():
        button(figure, shape).click()
        for _ in range(N):
            figure.keyboard.press("ArrowLeft")
        for t in range(1, N + 1):
            reached = {i for i in ins if moves[t - 1, i - 1]}
            answer = said(figure).split("\n")[1]
            can, _, cannot = answer.partition("; no weights can bring in")
            can = can.partition("can depend on")[2]
            assert inputs_in(can) == reached, f"{shape}, {way}, step {t}: {answer}"
            assert inputs_in(cannot) == (ins - reached if reached else set())
            assert ("is not asked" in answer) == (t not in asks)
            shown = figure.locator(f"{FIGURE} .in.reaches").evaluate_all("all => all.map((b) => b.textContent)")
            assert {int(name[-1]) for name in shown} == reached
            figure.keyboard.press("ArrowRight")
        lost = {i for i in ins if not any(moves[t - 1, i - 1] for t in asks)}
        last = said(figure).split("\n")[-1]
        assert inputs_in(last.partition("can reach no answer")[0]) == lost if lost else "can reach no" not in last


def test_switches_turn_one_shape_into_another_and_name_it(figure):
    for shape, name in [
        ("one to one", "One to one"),
        ("many to one", "Many to one"),
        ("aligned", "Many to many, aligned"),
        ("delayed", "Many to many, delayed"),
        ("wait 2", "Many to many, aligned, each answer 2 steps late"),
    ]:
        button(figure, shape).click()
        assert said(figure).startswith(f"{name}, read ")
        assert button(figure, shape).get_attribute("aria-pressed") == "true"
    button(figure, "one to one").click()
    for t in range(2, N + 1):
        figure.locator(f"{FIGURE} .ask").nth(t - 1).click()
    assert said(figure).startswith("One to many, read ")
    assert button(figure, "one to many").get_attribute("aria-pressed") == "true"
    figure.locator(f"{FIGURE} .in").nth(0).click()
    assert said(figure).startswith("Nothing comes in")


def test_without_scripts_the_chain_is_still_drawn(base, browser):
    with opened(browser, base, "book/recurrent/shapes", scripts=False) as (page, _, _):
        assert page.locator(f"{FIGURE} .still svg").is_visible()
        assert not page.locator(f"{FIGURE} .moving").is_visible()
