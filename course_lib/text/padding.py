"""Indices as arrays: one-hot rows, and batches of sequences of different lengths.

Packing and bucketing, which save the work that padding wastes, are in :mod:`course_lib.text.packing`.
"""

import operator

import numpy as np


def one_hot(indices, V):
    """Turn each index into a row of V zeros with a single 1 at the index.

    Parameters
    ----------
    indices : array of int, any shape
        Each from 0 to V - 1; (T, B) for a batch of sequences.
    V : int
        Vocabulary size.

    Returns
    -------
    array
        float64, of the shape of `indices` and one more axis of width V: (T, B) gives (T, B, V).

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    indices = np.asarray(indices)
    if indices.size == 0:
        return np.zeros((*indices.shape, V))
    if not np.issubdtype(indices.dtype, np.integer):
        raise TypeError(f"indices has dtype {indices.dtype}; expected integers. Encode the tokens first.")
    if indices.min() < 0 or indices.max() >= V:
        raise ValueError(
            f"indices run from {indices.min()} to {indices.max()}; expected 0 to V - 1 = {V - 1}. "
            "Is V the length of the vocabulary that encoded them?"
        )
    rows = np.zeros((*indices.shape, V))
    np.put_along_axis(rows, indices[..., None], 1.0, axis=-1)
    return rows


def pad_and_mask(sequences, pad=0):
    """Lay sequences of different lengths side by side as the columns of one array.

    Parameters
    ----------
    sequences : list of B sequences of int
        Sequence b has length T_b, which may be 0.
    pad : int
        What to write after the end of a sequence; it may also occur inside one, the mask tells them apart.

    Returns
    -------
    padded : (T, B) array of int
        T is the largest T_b.
    mask : (T, B) array of bool
        True where `padded` holds a token of the sequence, False where it holds padding.
    lengths : (B,) array of int
        The T_b.

    Examples
    --------
    >>> padded, mask, lengths = pad_and_mask([[5, 6, 7], [8]])
    >>> padded
    array([[5, 8],
           [6, 0],
           [7, 0]])
    >>> mask
    array([[ True,  True],
           [ True, False],
           [ True, False]])
    >>> lengths
    array([3, 1])
    """
    sequences = [np.asarray(sequence) for sequence in sequences]
    if not sequences:
        raise ValueError("sequences is empty; expected at least one sequence, or the batch has no columns.")
    for b, sequence in enumerate(sequences):
        if sequence.ndim != 1 or (sequence.size and not np.issubdtype(sequence.dtype, np.integer)):
            raise TypeError(
                f"sequence {b} has shape {sequence.shape} and dtype {sequence.dtype}; "
                "expected (T_b,) integers. Encode tokens first, and wrap a single sequence in a list."
            )
    lengths = np.array([len(sequence) for sequence in sequences])
    padded = np.full((lengths.max(), len(sequences)), operator.index(pad))
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    mask = np.arange(lengths.max())[:, None] < lengths
    return padded, mask, lengths
