r"""Losses of a network that answers at every step, each with the gradient that training needs.

The loss of a sequence is the sum of its steps' losses; that of a batch is the mean over its sequences. Both functions
take logits, the scores before the softmax or the sigmoid, because :math:`\log(\mathrm{softmax}(z))` can be computed
without ever forming a probability that rounds to zero.
"""

import numpy as np


def cross_entropy_over_time(logits, targets, mask=None):
    r"""Softmax cross-entropy, summed over steps and averaged over sequences.

    .. math:: L = -\frac{1}{B} \sum_{t,b} m_{tb} \log p_{tb}[y_{tb}], \qquad p_{tb} = \mathrm{softmax}(z_{tb})

    Parameters
    ----------
    logits : (T, B, V) array
        Scores z, one row of V per step and sequence.
    targets : (T, B) array of int
        The right class y at each step.
    mask : (T, B) array of bool, optional
        True at real steps, False at padding, which then counts for nothing. All real when left out.

    Returns
    -------
    loss : float
    dlogits : (T, B, V) array
        Gradient of the loss: (softmax minus one-hot target) / B at real steps, zero at padding.

    Examples
    --------
    Two steps of one sequence over four classes. Equal scores are a guess among four: each step costs log 4 = 1.386.

    >>> loss, dlogits = cross_entropy_over_time(np.zeros((2, 1, 4)), np.array([[2], [0]]))
    >>> round(loss, 3)
    2.773
    >>> dlogits[0]
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    T, B, _ = logits.shape
    mask = np.ones((T, B), dtype=bool) if mask is None else mask
    at_target = np.arange(T)[:, None], np.arange(B), targets
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    loss = -np.sum(log_p[at_target] * mask) / B
    dlogits = np.exp(log_p)
    dlogits[at_target] -= 1
    dlogits *= mask[:, :, None] / B
    return float(loss), dlogits


def binary_cross_entropy_over_time(logits, targets, mask=None):
    r"""Cross-entropy of yes-or-no answers, summed over steps and averaged over sequences.

    .. math:: L = -\frac{1}{B} \sum_{t,b} m_{tb} \bigl(y_{tb} \log p_{tb} + (1 - y_{tb}) \log (1 - p_{tb})\bigr),
              \qquad p_{tb} = \sigma(z_{tb})

    Parameters
    ----------
    logits : (T, B) array
        Scores z: positive means yes.
    targets : (T, B) array of 0 and 1
    mask : (T, B) array of bool, optional
        True at real steps, False at padding, which then counts for nothing. All real when left out.

    Returns
    -------
    loss : float
    dlogits : (T, B) array
        Gradient of the loss: (sigmoid minus target) / B at real steps, zero at padding.

    Examples
    --------
    A score of 0 is a coin toss and costs log 2; a score of 1000 on the wrong side costs 1000, not infinity.

    >>> loss, dlogits = binary_cross_entropy_over_time(np.array([[0.0], [1000.0]]), np.array([[1], [0]]))
    >>> round(loss, 3), dlogits.ravel()
    (1000.693, array([-0.5,  1. ]))
    """
    T, B = logits.shape
    mask = np.ones((T, B), dtype=bool) if mask is None else mask
    # -log p = log(1 + exp(-z)) and -log(1 - p) = log(1 + exp(z)); logaddexp takes them without overflow.
    losses = targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)
    loss = np.sum(losses * mask) / B
    p = np.exp(-np.logaddexp(0, -logits))
    dlogits = (p - targets) * mask / B
    return float(loss), dlogits
