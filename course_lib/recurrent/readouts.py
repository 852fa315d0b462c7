"""From states to answers: one linear layer, and the choice of the steps that it reads."""

import numpy as np


def many_to_one(hs, lengths, W_hy, b_y):
    r"""Read one answer per sequence from the state after its last real step: :math:`y = h_{T_b} W_{hy} + b_y`.

    Sequences in a batch are padded to a common length; a state after the end has read padding and must not answer.

    Parameters
    ----------
    hs : (T, B, H) array
        States after every step.
    lengths : (B,) array of int
        Real steps of each sequence, from 1 to T.
    W_hy, b_y : (H, K), (K,) arrays

    Returns
    -------
    logits : (B, K) array

    Examples
    --------
    Two sequences of lengths 1 and 3; with the identity as read-out the answer is the state itself.

    >>> hs = np.array([[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]])  # T=3, B=2, H=1
    >>> many_to_one(hs, np.array([1, 3]), np.eye(1), np.zeros(1))
    array([[1.],
           [6.]])
    """
    last = hs[lengths - 1, np.arange(len(lengths))]
    return last @ W_hy + b_y


def many_to_one_backward(dlogits, hs, lengths, W_hy, b_y):
    """Carry the gradient of :func:`many_to_one` back to the states and the read-out.

    Parameters
    ----------
    dlogits : (B, K) array
    hs, lengths, W_hy, b_y
        What :func:`many_to_one` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names hs (zero but at each sequence's last real step), W_hy and b_y.
    """
    rows = lengths - 1, np.arange(len(lengths))
    dhs = np.zeros_like(hs)
    dhs[rows] = dlogits @ W_hy.T
    return {"hs": dhs, "W_hy": hs[rows].T @ dlogits, "b_y": dlogits.sum(axis=0)}


def many_to_many(hs, W_hy, b_y):
    r"""Read an answer from the state of every step: :math:`y_t = h_t W_{hy} + b_y`.

    Parameters
    ----------
    hs : (T, B, H) array
    W_hy, b_y : (H, K), (K,) arrays

    Returns
    -------
    logits : (T, B, K) array

    Examples
    --------
    >>> many_to_many(np.array([[[1.0]], [[2.0]]]), np.array([[10.0, 0.0]]), np.array([0.0, 0.5]))[:, 0]
    array([[10. ,  0.5],
           [20. ,  0.5]])
    """
    return hs @ W_hy + b_y


def many_to_many_backward(dlogits, hs, W_hy, b_y):
    """Carry the gradient of :func:`many_to_many` back to the states and the read-out.

    Parameters
    ----------
    dlogits : (T, B, K) array
    hs, W_hy, b_y
        What :func:`many_to_many` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names hs, W_hy and b_y.
    """
    flat = dlogits.reshape(-1, len(b_y))
    return {"hs": dlogits @ W_hy.T, "W_hy": hs.reshape(len(flat), -1).T @ flat, "b_y": flat.sum(axis=0)}
