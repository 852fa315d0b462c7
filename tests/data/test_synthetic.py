"""Generators: the answer is recomputed from the question by plain loops."""

import re

import numpy as np
import pytest

from course_lib import data
from course_lib.data.synthetic import (
    ALPHABET,
    adding_problem,
    damped_sine,
    echo,
    parity,
    planted_digit,
    recall,
)

TEXT = "It is a truth universally acknowledged, that a single man -- in 1813 -- must be in want of a wife."
GENERATORS = {
    "parity": lambda rng: parity(rng, batch=3, length=7),
    "echo": lambda rng: echo(rng, batch=3, length=7, delay=2),
    "adding_problem": lambda rng: adding_problem(rng, batch=3, length=7),
    "recall": lambda rng: recall(rng, batch=3, gap=5),
    "damped_sine": lambda rng: (damped_sine(rng, batch=3, length=7, noise=0.1),),
    "planted_digit": lambda rng: planted_digit(TEXT, rng, batch=3, length=7, positions=range(7)),
}


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.mark.parametrize("name", GENERATORS)
def test_the_same_seed_draws_the_same_batch_and_another_seed_another(name):
    first, again, other = (GENERATORS[name](np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("name", GENERATORS)
def test_time_comes_first_and_the_batch_second(name, rng):
    assert GENERATORS[name](rng)[0].shape[:2] == (7, 3)


def test_parity_counts_the_ones_so_far(rng):
    bits, odd = parity(rng, batch=5, length=40)
    for b in range(5):
        for t in range(40):
            assert odd[t, b] == sum(bits[: t + 1, b].tolist()) % 2
    assert set(bits.ravel().tolist()) == {0, 1}


@pytest.mark.parametrize("delay", [0, 1, 4, 9])
def test_echo_repeats_what_was_seen_delay_steps_ago(delay, rng):
    xs, targets = echo(rng, batch=4, length=9, delay=delay, symbols=5)
    for t in range(9):
        expected = xs[t - delay].tolist() if t >= delay else [0] * 4
        assert targets[t].tolist() == expected
    assert xs.min() >= 1 and xs.max() <= 5


def test_echo_uses_every_symbol(rng):
    xs, _ = echo(rng, batch=50, length=20, delay=3, symbols=5)
    assert set(xs.ravel().tolist()) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("length", [2, 3, 12])
def test_adding_problem_marks_one_number_in_each_half_and_adds_them(length, rng):
    xs, total = adding_problem(rng, batch=30, length=length)
    for b in range(30):
        first, second = np.flatnonzero(xs[:, b, 1])
        assert first < length // 2 <= second
        assert total[b] == pytest.approx(xs[first, b, 0] + xs[second, b, 0])


def test_answering_one_to_the_adding_problem_costs_a_sixth(rng):
    _, total = adding_problem(rng, batch=40_000, length=6)
    assert np.mean((total - 1) ** 2) == pytest.approx(1 / 6, rel=0.03)


@pytest.mark.parametrize("gap", [0, 1, 30])
def test_recall_shows_the_fact_first_and_never_again(gap, rng):
    xs, answer = recall(rng, batch=25, gap=gap, facts=3, distractors=6)
    assert xs.shape == (gap + 2, 25)
    np.testing.assert_array_equal(xs[0], answer)
    np.testing.assert_array_equal(xs[-1], 9)
    assert (answer < 3).all()
    assert ((xs[1:-1] >= 3) & (xs[1:-1] < 9)).all()


def test_recall_uses_every_fact_and_every_distractor(rng):
    xs, answer = recall(rng, batch=60, gap=10, facts=3, distractors=6)
    assert set(answer.tolist()) == {0, 1, 2}
    assert set(xs[1:-1].ravel().tolist()) == set(range(3, 9))


def test_a_damped_sine_without_noise_is_told_by_the_two_values_before(rng):
    xs = damped_sine(rng, batch=6, length=50)
    assert xs.shape == (50, 6, 1)
    for b in range(6):
        x = xs[:, b, 0]
        before = np.stack([x[1:-1], x[:-2]], axis=1)
        (a1, a2), *_ = np.linalg.lstsq(before, x[2:], rcond=None)
        np.testing.assert_allclose(before @ [a1, a2], x[2:], atol=1e-10)
        # x_t = 2 exp(-1/tau) cos(2 pi / p) x_{t-1} - exp(-2/tau) x_{t-2}
        decay_time = -2 / np.log(-a2)
        period = 2 * np.pi / np.arccos(a1 / (2 * np.sqrt(-a2)))
        assert 30 <= decay_time <= 100
        assert 10 <= period <= 30


def test_noise_has_the_standard_deviation_asked_for():
    clean = damped_sine(np.random.default_rng(8), batch=200, length=50)
    noisy = damped_sine(np.random.default_rng(8), batch=200, length=50, noise=0.3)
    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.03)


def test_planted_digit_changes_one_character_of_a_window_of_the_text(rng):
    cleaned = "it is a truth universally acknowledged that a single man in must be in want of a wife "
    codes, digit, position = planted_digit(TEXT, rng, batch=200, length=9, positions=[1, 4, 8])
    for b in range(200):
        window = "".join(ALPHABET[code] for code in codes[:, b])
        assert window[position[b]] == str(digit[b])
        pattern = re.escape(window[: position[b]]) + "." + re.escape(window[position[b] + 1 :])
        assert re.search(pattern, cleaned), window
    assert set(position.tolist()) == {1, 4, 8}
    assert set(digit.tolist()) == set(range(10))


def test_planted_digit_finds_windows_at_both_ends_of_the_text(rng):
    codes, _, _ = planted_digit("abc", rng, batch=50, length=2, positions=0)
    assert set(codes[1].tolist()) == {ALPHABET.index("b"), ALPHABET.index("c")}


def test_planting_twice_starts_from_the_same_clean_text(rng):
    for _ in range(2):
        codes, _, _ = planted_digit("abcdef", rng, batch=8, length=6, positions=[2])
        assert (np.delete(codes, 2, axis=0) <= 26).all()


def test_planted_digit_works_on_the_novel(rng):
    novel = data.load("pride-prejudice")
    codes, digit, position = planted_digit(novel, rng, batch=16, length=100, positions=range(10))
    assert codes.shape == (100, 16) and digit.shape == position.shape == (16,)
    assert (codes > 26).sum(axis=0).tolist() == [1] * 16


def test_the_alphabet_has_the_codes_that_the_docstring_gives():
    assert (ALPHABET[0], ALPHABET[1:27], ALPHABET[27:]) == (" ", "abcdefghijklmnopqrstuvwxyz", "0123456789")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: parity(rng, batch=0, length=3), "batch is 0; expected at least 1"),
        (lambda rng: parity(rng, batch=2, length=0), "length is 0; expected at least 1"),
        (lambda rng: echo(rng, batch=2, length=3, delay=4), "delay is 4; expected 0 to length = 3"),
        (lambda rng: echo(rng, batch=2, length=3, delay=-1), "delay is -1"),
        (lambda rng: adding_problem(rng, batch=2, length=1), "length is 1; expected at least 2"),
        (lambda rng: recall(rng, batch=2, gap=-1), "gap is -1"),
        (lambda rng: recall(rng, batch=2, gap=1, distractors=0), "distractors is 0"),
        (lambda rng: damped_sine(rng, batch=2, length=3, noise=-1), "noise is -1"),
        (
            lambda rng: planted_digit("short", rng, batch=2, length=9, positions=[0]),
            "has 5 letters and spaces",
        ),
        (lambda rng: planted_digit(TEXT, rng, batch=2, length=9, positions=[9]), "length - 1 = 8"),
        (lambda rng: planted_digit(TEXT, rng, batch=2, length=9, positions=[-1]), "run from -1 to -1"),
        (lambda rng: planted_digit(TEXT, rng, batch=2, length=9, positions=[]), "expected one or more steps"),
        (
            lambda rng: planted_digit(TEXT, rng, batch=2, length=9, positions=[0.5]),
            "expected one or more steps",
        ),
    ],
)
def test_impossible_sizes_are_refused_with_the_value_found(call, says, rng):
    with pytest.raises(ValueError, match=re.escape(says)):
        call(rng)
