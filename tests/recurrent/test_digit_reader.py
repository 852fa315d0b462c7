"""The chapter's experiment: its claims hold on a seed the page does not use, and it runs on what it is handed."""

import numpy as np
import pytest

from course_lib import data
from course_lib.recurrent import digit_reader, rnn_forward


@pytest.fixture(scope="module")
def novel():
    return data.load("pride-prejudice")


@pytest.fixture(scope="module")
def reader(novel):
    return digit_reader.train_reader(novel[:600_000], np.random.default_rng(77))


def test_reader_keeps_a_digit_but_cannot_wait_for_one(reader, novel):
    params, history = reader
    assert history[:20].mean() > 2 > 0.1 > history[-20:].mean()
    at = [0, 5, 40]
    accuracy = digit_reader.reader_accuracy(params, novel[600_000:], np.random.default_rng(1), positions=at, gaps=at)
    assert accuracy[:2, :2].min() > 0.9, "within the trained window"
    assert accuracy[0, 2] > 0.6, "kept for 40 letters"
    assert accuracy[2].max() < 0.3, "waited 40 letters: chance is 0.1"


def test_dense_reader_knows_only_the_positions_it_was_trained_on(novel):
    params, _ = digit_reader.train_dense_reader(novel[:600_000], np.random.default_rng(77))
    accuracy = digit_reader.dense_accuracy(params, novel[600_000:], np.random.default_rng(1), positions=range(12))
    assert accuracy[:6].min() > 0.9
    assert accuracy[6:].mean() < 0.3


def test_windows_end_at_or_after_their_digit(novel, rng):
    xs, lengths, digits = digit_reader.windows(novel, rng, batch=200, length=12, positions=range(6))
    assert xs.shape == (12, 200, digit_reader.V) and xs.dtype == np.float32
    at = xs[:, :, 27:].sum(axis=-1).argmax(axis=0)
    assert np.array_equal(xs[at, np.arange(200), 27:].argmax(axis=-1), digits)
    assert (lengths > at).all() and lengths.max() == 12 and (lengths == at + 1).any()


@pytest.mark.parametrize("longest_after", [0, 3])
def test_no_more_letters_follow_the_digit_than_asked_for(longest_after, novel, rng):
    xs, lengths, _ = digit_reader.windows(
        novel, rng, batch=200, length=12, positions=[2, 10], longest_after=longest_after
    )
    after = lengths - 1 - xs[:, :, 27:].sum(axis=-1).argmax(axis=0)
    assert after.min() == 0 and after.max() == longest_after and lengths.max() <= 12


def test_training_repeats_itself_with_the_same_seed(novel):
    runs = [digit_reader.train_reader(novel, np.random.default_rng(3), steps=20)[1] for _ in range(2)]
    assert np.array_equal(*runs)


def test_functions_handed_in_are_the_ones_that_run(novel, rng):
    calls = []

    def counted(xs, W_xh, W_hh, b_h, h_0=None):
        calls.append(len(xs))
        return rnn_forward(xs, W_xh, W_hh, b_h, h_0)

    params, _ = digit_reader.train_reader(novel, rng, steps=3, forward=counted)
    digit_reader.reader_accuracy(params, novel, rng, positions=[2], gaps=[0, 4], batch=5, forward=counted)
    assert calls == [12, 12, 12, 7]
