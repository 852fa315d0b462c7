r"""The same recurrence with another activation: :math:`h_t = f(x_t W_{xh} + h_{t-1} W_{hh} + b_h)`.

tanh bounds the state, and its slope is below 1 almost everywhere. ReLU has slope 1 wherever it is active, at the price
of a state that may grow without bound. With ``TANH`` these functions are those of :mod:`course_lib.recurrent.rnn`.
"""

from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A function applied in place, and its slope computed from its *output*, which is all that BPTT keeps."""

    apply: object
    slope: object


TANH = Activation(lambda z: np.tanh(z, out=z), lambda h: 1 - h**2)
"""The activation of :mod:`course_lib.recurrent.rnn`."""

RELU = Activation(lambda z: np.maximum(z, 0, out=z), lambda h: (h > 0).astype(h.dtype))
"""Zero for what is negative, and all else as it is; the slope at 0 is taken as 0."""

LINEAR = Activation(lambda z: z, lambda h: np.ones_like(h))
"""No activation: the state is a sum, and what a matrix does to it stays visible."""


def simple_rnn_forward(xs, W_xh, W_hh, b_h, h_0=None, activation=RELU):
    """Run an RNN with any activation over whole sequences and return the state after every step.

    Parameters
    ----------
    xs : (T, B, D) array
    W_xh, W_hh, b_h : (D, H), (H, H), (H,) arrays
    h_0 : (B, H) array, optional
        Zeros when left out.
    activation : Activation
        ``TANH``, ``RELU``, ``LINEAR`` or one of your own.

    Returns
    -------
    hs : (T, B, H) array

    Examples
    --------
    With ReLU and the identity as recurrent weights, what was read is kept, not faded.

    >>> xs = np.array([0.5, 0.0, 0.0]).reshape(3, 1, 1)
    >>> simple_rnn_forward(xs, np.eye(1), np.eye(1), np.zeros(1)).ravel()
    array([0.5, 0.5, 0.5])
    """
    T, B, D = xs.shape
    H = len(b_h)
    hs = (xs.reshape(T * B, D) @ W_xh + b_h).reshape(T, B, H)
    h_prev = np.zeros((B, H), hs.dtype) if h_0 is None else h_0
    for t, h_t in enumerate(hs):
        h_t += h_prev @ W_hh
        h_prev = hs[t] = activation.apply(h_t)
    return hs


def simple_rnn_backward(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, activation=RELU):
    """Carry gradients back through :func:`simple_rnn_forward`.

    Parameters
    ----------
    dhs : (T, B, H) array
        Gradient of the loss with respect to each state, counting only the uses outside the recurrence.
    hs : (T, B, H) array
        What :func:`simple_rnn_forward` returned.
    xs, W_xh, W_hh, b_h, h_0, activation
        What :func:`simple_rnn_forward` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names and shapes of xs, W_xh, W_hh, b_h and h_0.

    Examples
    --------
    >>> ones = np.ones((3, 1, 1))
    >>> hs = simple_rnn_forward(ones, np.eye(1), np.eye(1), np.zeros(1))
    >>> simple_rnn_backward(ones, hs, ones, np.eye(1), np.eye(1), np.zeros(1))["xs"].ravel()
    array([3., 2., 1.])
    """
    T, B, D = xs.shape
    H = len(b_h)
    dzs = activation.slope(hs)
    dh_t = np.zeros((B, H), hs.dtype)
    for t in reversed(range(T)):
        dh_t += dhs[t]
        dzs[t] *= dh_t
        np.matmul(dzs[t], W_hh.T, out=dh_t)
    flat = dzs.reshape(T * B, H)
    before = np.concatenate([np.zeros_like(hs[:1]) if h_0 is None else h_0[None], hs[:-1]])
    return {
        "xs": (flat @ W_xh.T).reshape(T, B, D),
        "W_xh": xs.reshape(T * B, D).T @ flat,
        "W_hh": before.reshape(T * B, H).T @ flat,
        "b_h": flat.sum(axis=0),
        "h_0": dh_t,
    }
