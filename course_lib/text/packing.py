"""Spend no work on padding: packed sequences, and batches of sequences of like length.

Packed rows are what PyTorch's ``PackedSequence`` holds: the first steps of all sequences, then the second steps of
all that have one, and so on. A recurrence over them advances ``batch_sizes[t]`` rows at step t, and no other.
"""

import numpy as np


def pack(padded, lengths):
    """Drop the padding of a time-first batch and lay what remains end to end, step by step.

    Parameters
    ----------
    padded : (T, B, ...) array
    lengths : (B,) array of int
        Real steps of each sequence, from 0 to T.

    Returns
    -------
    rows : (sum of lengths, ...) array
        Within a step, the longest sequence first.
    batch_sizes : (largest length,) array of int
        How many rows belong to each step; they never grow.
    order : (B,) array of int
        Columns from the longest to the shortest, equal ones as they stood; `unpack` puts them back.

    Examples
    --------
    The second sequence is the longer one, so it leads every step.

    >>> rows, batch_sizes, order = pack(np.array([[5, 6], [0, 7], [0, 8]]), np.array([1, 3]))
    >>> rows, batch_sizes, order
    (array([6, 5, 7, 8]), array([2, 1, 1]), array([1, 0]))
    """
    lengths = np.asarray(lengths)
    if len(lengths) != padded.shape[1]:
        raise ValueError(f"{len(lengths)} lengths for {padded.shape[1]} columns; expected one for each, time first.")
    if lengths.min() < 0 or lengths.max() > len(padded):
        raise ValueError(f"lengths run from {lengths.min()} to {lengths.max()}; expected 0 to T = {len(padded)}.")
    order = np.argsort(-lengths, kind="stable")
    real = np.arange(lengths.max())[:, None] < lengths[order]
    return padded[: len(real), order][real], real.sum(axis=1), order


def unpack(rows, batch_sizes, order, pad=0):
    """Undo :func:`pack`: put every row back at its step and column, and padding where none belongs.

    Parameters
    ----------
    rows : (sum of lengths, ...) array
        What `pack` returned, or states computed from it row by row.
    batch_sizes, order : arrays of int
        From `pack`.
    pad : number
        What stands after the end of a sequence.

    Returns
    -------
    padded : (T, B, ...) array
        T is the largest length.
    lengths : (B,) array of int

    Examples
    --------
    >>> padded, lengths = unpack(np.array([6, 5, 7, 8]), np.array([2, 1, 1]), np.array([1, 0]))
    >>> padded
    array([[5, 6],
           [0, 7],
           [0, 8]])
    >>> lengths
    array([1, 3])
    """
    if sum(batch_sizes) != len(rows):
        raise ValueError(f"batch_sizes add up to {sum(batch_sizes)}, but there are {len(rows)} rows.")
    T, B = len(batch_sizes), len(order)
    # In the sorted batch, step t occupies the first batch_sizes[t] columns.
    real = np.arange(B) < np.asarray(batch_sizes)[:, None]
    by_length = np.full((T, B, *rows.shape[1:]), pad, dtype=rows.dtype)
    by_length[real] = rows
    back = np.argsort(order)
    return by_length[:, back], real.sum(axis=0)[back]


def bucket_by_length(lengths, batch_size, rng):
    """Group sequences of like length into batches, in random order.

    Sequences are shuffled and then sorted by length, so that chance decides among equals only; the batches are then
    shuffled, so that training does not see all short ones first.

    Parameters
    ----------
    lengths : (N,) sequence of int
    batch_size : int
        Sequences per batch; the last ones make a smaller batch when it does not divide N.
    rng : numpy Generator

    Returns
    -------
    list of arrays of int
        Indices of the sequences in each batch; every sequence is in exactly one.

    Examples
    --------
    >>> [batch.tolist() for batch in bucket_by_length([9, 2, 8, 3, 1], 2, np.random.default_rng(0))]
    [[0], [4, 1], [3, 2]]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; expected at least 1.")
    shuffled = rng.permutation(len(lengths))
    by_length = shuffled[np.argsort(np.asarray(lengths)[shuffled], kind="stable")]
    batches = [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]
