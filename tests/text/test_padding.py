"""One-hot rows select rows of a matrix; padding puts sequences side by side and can be undone."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import one_hot, pad_and_mask

BATCHES = st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=5)


@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (2, 4, 3)])
def test_one_hot_times_a_matrix_looks_rows_up(shape):
    rng = np.random.default_rng(3)
    indices = rng.integers(5, size=shape)
    W = rng.normal(size=(5, 2))
    np.testing.assert_array_equal(one_hot(indices, 5) @ W, W[indices])


@given(st.lists(st.integers(0, 8), max_size=10))
def test_one_hot_equals_rows_filled_by_a_loop(indices):
    rows = one_hot(indices, 9)
    assert rows.shape == (len(indices), 9)
    for row, index in zip(rows.tolist(), indices, strict=True):
        assert row == [1.0 if v == index else 0.0 for v in range(9)]


def test_one_hot_of_a_batch_without_steps_keeps_its_axes():
    assert one_hot(np.zeros((0, 3), dtype=int), 4).shape == (0, 3, 4)


@pytest.mark.parametrize("index", [-1, 4])
def test_one_hot_refuses_an_index_outside_the_vocabulary(index):
    low, high = min(0, index), max(0, index)
    with pytest.raises(ValueError, match=f"indices run from {low} to {high}; expected 0 to V - 1 = 3"):
        one_hot([0, index], 4)


@pytest.mark.parametrize("indices", [[0.0, 1.0], [True, False], ["a"]])
def test_one_hot_refuses_what_are_no_indices(indices):
    with pytest.raises(TypeError, match="expected integers"):
        one_hot(indices, 4)


@given(BATCHES, st.integers(-1, 5))
def test_cutting_each_column_at_its_length_undoes_padding(sequences, pad):
    padded, _, lengths = pad_and_mask(sequences, pad)
    assert [padded[:length, b].tolist() for b, length in enumerate(lengths)] == sequences


@given(BATCHES, st.integers(-1, 5))
def test_the_mask_undoes_padding_even_where_the_pad_is_also_a_token(sequences, pad):
    padded, mask, _ = pad_and_mask(sequences, pad)
    assert [padded[mask[:, b], b].tolist() for b in range(len(sequences))] == sequences
    assert (padded[~mask] == pad).all()


@given(BATCHES)
def test_time_comes_first_and_the_longest_sequence_sets_it(sequences):
    padded, mask, lengths = pad_and_mask(sequences)
    assert padded.shape == mask.shape == (max(map(len, sequences)), len(sequences))
    assert lengths.tolist() == [len(sequence) for sequence in sequences]


def test_the_arrays_hold_integers_and_booleans():
    padded, mask, lengths = pad_and_mask([[], []])
    assert np.issubdtype(padded.dtype, np.integer) and np.issubdtype(lengths.dtype, np.integer)
    assert mask.dtype == bool


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="sequences is empty"):
        pad_and_mask([])


@pytest.mark.parametrize("sequences", [[1, 2, 3], [["the", "cat"]], [[0.5]], "the cat", [[[1], [2]]]])
def test_what_are_no_sequences_of_indices_is_refused(sequences):
    with pytest.raises(TypeError, match=re.escape("expected (T_b,) integers")):
        pad_and_mask(sequences)


def test_a_pad_that_is_no_index_is_refused():
    with pytest.raises(TypeError, match="float"):
        pad_and_mask([[1]], pad=0.5)
