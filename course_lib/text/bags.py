"""The bag of words: how often each token occurs, and nothing about where.

It is the baseline that a sequence model must beat. Leaves out weights such as TF-IDF.
"""

import numpy as np


def bag_of_words(indices, V):
    """Count how often each index of the vocabulary occurs in one sequence.

    Parameters
    ----------
    indices : (T,) sequence of int
        One sequence, each index from 0 to V - 1; T may be 0. For B sequences, stack B bags.
    V : int
        Vocabulary size.

    Returns
    -------
    counts : (V,) array of int

    Examples
    --------
    Order is lost: these two sentences have one and the same bag.

    >>> bag_of_words([0, 3, 3, 1], 5)
    array([1, 1, 0, 2, 0])
    >>> bag_of_words([3, 1, 0, 3], 5)
    array([1, 1, 0, 2, 0])
    """
    indices = np.asarray(indices)
    if indices.ndim != 1:
        raise ValueError(f"indices has shape {indices.shape}; expected (T,), one sequence. Stack one bag for each.")
    if indices.size == 0:
        return np.zeros(V, dtype=int)
    if not np.issubdtype(indices.dtype, np.integer):
        raise TypeError(f"indices has dtype {indices.dtype}; expected integers. Encode the tokens first.")
    if indices.min() < 0 or indices.max() >= V:
        raise ValueError(
            f"indices run from {indices.min()} to {indices.max()}; expected 0 to V - 1 = {V - 1}. "
            "Is V the length of the vocabulary that encoded them?"
        )
    return np.bincount(indices, minlength=V)
