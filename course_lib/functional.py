"""Activations and the softmax, written so that large inputs neither overflow nor lose their digits.

Gradients live beside the losses that use them (:mod:`course_lib.recurrent.losses`). Other activations are one
NumPy call and stay that: ``np.tanh(x)``, ``np.maximum(x, 0)``.
"""

import numpy as np


def sigmoid(x):
    r"""Squash each number into (0, 1): :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array of the shape of x

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    # Only exp of a negative number is ever taken, so nothing overflows on either side.
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def softmax(x, axis=-1):
    r"""Turn scores into probabilities: :math:`p_i = e^{x_i} / \sum_j e^{x_j}` along one axis.

    Parameters
    ----------
    x : array, any shape
        Scores (logits).
    axis : int
        The axis along which the probabilities sum to one.

    Returns
    -------
    array of the shape of x

    Examples
    --------
    Only differences between scores matter, so a thousand added to each changes nothing.

    >>> softmax(np.array([1000.0, 1000.0 + np.log(3.0)]))
    array([0.25, 0.75])
    """
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    r"""Turn scores into logarithms of probabilities: :math:`\log p_i = x_i - \log \sum_j e^{x_j}` along one axis.

    No probability is ever formed, so none can round to zero and have the logarithm minus infinity.

    Parameters
    ----------
    x : array, any shape
        Scores (logits).
    axis : int
        The axis along which the probabilities sum to one.

    Returns
    -------
    array of the shape of x

    Examples
    --------
    A score 1000 below the other has the probability e to the minus 1000, which no float can hold.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
