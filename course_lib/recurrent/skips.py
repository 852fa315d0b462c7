r"""A recurrent network with a second memory: each state also reads the one s steps back.

.. math:: h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + h_{t-s} W_{sh} + b_h)

A gradient that travels T steps needs only T/s passes through the skip, so it fades s times more slowly. Skips across
layers are in :mod:`course_lib.recurrent.layers`.
"""

import numpy as np


def skip_rnn_forward(xs, W_xh, W_hh, W_sh, b_h, skip):
    """Run an RNN with a skip connection through time; states before the first step are zero.

    Parameters
    ----------
    xs : (T, B, D) array
    W_xh, W_hh, W_sh, b_h : (D, H), (H, H), (H, H), (H,) arrays
        W_sh carries the state of `skip` steps ago.
    skip : int
        s, at least 1.

    Returns
    -------
    hs : (T, B, H) array

    Examples
    --------
    Without the ordinary connection, an input of step 0 is heard again only at every third step.

    >>> xs = np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).reshape(7, 1, 1)
    >>> skip_rnn_forward(xs, np.eye(1), np.zeros((1, 1)), np.eye(1), np.zeros(1), skip=3).ravel().round(3)
    array([0.462, 0.   , 0.   , 0.432, 0.   , 0.   , 0.407])
    """
    T, B, D = xs.shape
    hs = (xs.reshape(T * B, D) @ W_xh + b_h).reshape(T, B, len(b_h))
    for t, h_t in enumerate(hs):
        if t >= 1:
            h_t += hs[t - 1] @ W_hh
        if t >= skip:
            h_t += hs[t - skip] @ W_sh
        np.tanh(h_t, out=h_t)
    return hs


def skip_rnn_backward(dhs, hs, xs, W_xh, W_hh, W_sh, b_h, skip):
    """Carry gradients back through :func:`skip_rnn_forward`.

    Parameters
    ----------
    dhs : (T, B, H) array
        Gradient of the loss with respect to each state, counting only the uses outside the recurrence.
    hs : (T, B, H) array
        What :func:`skip_rnn_forward` returned.
    xs, W_xh, W_hh, W_sh, b_h, skip
        What :func:`skip_rnn_forward` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names and shapes of xs, W_xh, W_hh, W_sh and b_h.
    """
    T, B, D = xs.shape
    H = len(b_h)
    dzs = 1 - hs**2
    for t in reversed(range(T)):
        dh_t = dhs[t]
        if t + 1 < T:
            dh_t = dh_t + dzs[t + 1] @ W_hh.T
        if t + skip < T:
            dh_t = dh_t + dzs[t + skip] @ W_sh.T
        dzs[t] *= dh_t
    flat = dzs.reshape(T * B, H)
    return {
        "xs": (flat @ W_xh.T).reshape(T, B, D),
        "W_xh": xs.reshape(T * B, D).T @ flat,
        "W_hh": hs[:-1].reshape(-1, H).T @ flat[B:],
        "W_sh": hs[:-skip].reshape(-1, H).T @ flat[skip * B :],
        "b_h": flat.sum(axis=0),
    }
