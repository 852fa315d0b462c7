"""Packed rows are those of PyTorch, packing can be undone, and buckets hold sequences of like length."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from course_lib.text import bucket_by_length, pack, unpack

LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=6)


def padded_batch(lengths, rng, width=2):
    mask = np.arange(max(lengths))[:, None] < np.array(lengths)
    return rng.normal(size=(*mask.shape, width)) * mask[:, :, None]


@pytest.mark.parametrize("lengths", [[2, 5, 1, 4], [3], [4, 3, 2, 1]])
def test_packed_rows_are_those_of_torch(lengths, rng):
    padded = padded_batch(lengths, rng)
    theirs = pack_padded_sequence(torch.from_numpy(padded), torch.tensor(lengths), enforce_sorted=False)
    rows, batch_sizes, order = pack(padded, lengths)
    np.testing.assert_array_equal(rows, theirs.data.numpy())
    assert batch_sizes.tolist() == theirs.batch_sizes.tolist()
    assert order.tolist() == theirs.sorted_indices.tolist()


@given(LENGTHS)
def test_unpacking_undoes_packing(lengths):
    padded = padded_batch(lengths, np.random.default_rng(5))
    again, found = unpack(*pack(padded, lengths))
    np.testing.assert_array_equal(again, padded)
    assert found.tolist() == lengths


def test_the_pad_stands_after_every_end_and_nowhere_else():
    padded, _ = unpack(np.array([6, 5, 7]), np.array([2, 1]), np.array([1, 0]), pad=-1)
    assert padded.tolist() == [[5, 6], [-1, 7]]


def test_no_row_of_padding_is_packed(rng):
    lengths = [7, 1, 1, 1]
    assert len(pack(padded_batch(lengths, rng), lengths)[0]) == sum(lengths)


@pytest.mark.parametrize(
    ("lengths", "message"), [([1, 2, 3], "3 lengths for 2 columns"), ([1, 4], "expected 0 to T = 3")]
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        pack(np.zeros((3, 2)), lengths)


def test_rows_that_do_not_fit_the_batch_sizes_are_refused():
    with pytest.raises(ValueError, match="add up to 3, but there are 4 rows"):
        unpack(np.zeros(4), np.array([2, 1]), np.array([0, 1]))


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 7), st.integers(0, 3))
def test_every_sequence_is_in_one_bucket_and_lengths_hardly_overlap(lengths, batch_size, seed):
    batches = bucket_by_length(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert sum(len(batch) < batch_size for batch in batches) <= 1
    spans = sorted((min(lengths[i] for i in batch), max(lengths[i] for i in batch)) for batch in batches)
    assert all(longest <= shortest for (_, longest), (shortest, _) in itertools.pairwise(spans))


def test_chance_orders_the_batches_and_decides_among_equals():
    lengths = [3] * 8 + [9] * 8
    draws = [bucket_by_length(lengths, 4, np.random.default_rng(seed)) for seed in range(20)]
    assert len({tuple(sorted(batch.tolist())) for batches in draws for batch in batches}) > 40
    first_is_short = [batches[0].max() < 8 for batches in draws]
    assert 2 < sum(first_is_short) < 18


def test_buckets_save_most_of_the_padding(rng):
    lengths = rng.integers(1, 60, size=640)

    def work(batches):
        return sum(lengths[batch].max() * len(batch) for batch in batches)

    in_order = work(np.arange(640).reshape(20, 32))
    assert work(bucket_by_length(lengths, 32, rng)) < 1.1 * lengths.sum() < 0.7 * in_order


def test_a_batch_of_nothing_is_refused(rng):
    with pytest.raises(ValueError, match="batch_size is 0"):
        bucket_by_length([1, 2], 0, rng)
