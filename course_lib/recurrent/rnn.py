"""The recurrent network: one step, a whole sequence, and the gradients of both.

A recurrent network reads a sequence one step at a time and carries what it has understood in a state. One set of
weights serves every step. Each idea stands here twice: the ``*_stepwise`` functions say it in the fewest words,
the others do the same arithmetic arranged for speed, and the tests hold the two together.

Left out: read-outs and losses (:mod:`course_lib.recurrent.readouts`, :mod:`course_lib.recurrent.losses`), two
directions and many layers (:mod:`course_lib.recurrent.layers`), gates.
"""

import numpy as np


def init_rnn(D, H, rng, dtype=np.float64):
    r"""Draw the parameters of an RNN as PyTorch does: uniform in :math:`\pm 1/\sqrt{H}`.

    Parameters
    ----------
    D, H : int
        Width of the input and of the state.
    rng : numpy Generator
    dtype : float type of the arrays

    Returns
    -------
    dict of arrays
        ``W_xh`` (D, H), ``W_hh`` (H, H), ``b_h`` (H,).

    Examples
    --------
    >>> {name: p.shape for name, p in init_rnn(3, 2, np.random.default_rng(0)).items()}
    {'W_xh': (3, 2), 'W_hh': (2, 2), 'b_h': (2,)}
    """
    bound = 1 / np.sqrt(H)
    shapes = {"W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
    return {name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in shapes.items()}


def rnn_step(x_t, h_prev, W_xh, W_hh, b_h):
    r"""Advance a tanh RNN by one step: :math:`h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b_h)`.

    Parameters
    ----------
    x_t : (B, D) array
        Inputs at step t, one row per sequence.
    h_prev : (B, H) array
        State carried from step t-1; zeros before the first step.
    W_xh, W_hh, b_h : (D, H), (H, H), (H,) arrays

    Returns
    -------
    h_t : (B, H) array

    Examples
    --------
    Without input or bias, a zero state stays zero.

    >>> rnn_step(np.zeros((1, 2)), np.zeros((1, 3)), np.ones((2, 3)), np.eye(3), np.zeros(3))
    array([[0., 0., 0.]])
    """
    return np.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)


def rnn_forward(xs, W_xh, W_hh, b_h, h_0=None):
    r"""Run the RNN over whole sequences and return the state after every step.

    Parameters
    ----------
    xs : (T, B, D) array
        Inputs, time first.
    W_xh, W_hh, b_h : (D, H), (H, H), (H,) arrays
    h_0 : (B, H) array, optional
        State before the first step; zeros when left out. Not changed.

    Returns
    -------
    hs : (T, B, H) array
        ``hs[t]`` is the state after reading ``xs[t]``.

    Examples
    --------
    One unit, one sequence, three steps. The input 0.5 comes once; the state is what remains of it.

    >>> xs = np.array([0.5, 0.0, 0.0]).reshape(3, 1, 1)
    >>> rnn_forward(xs, np.eye(1), np.eye(1), np.zeros(1)).ravel().round(3)
    array([0.462, 0.432, 0.407])
    """
    T, B, D = xs.shape
    H = len(b_h)
    # What the inputs contribute does not depend on the state:
    # one product serves all steps.
    hs = (xs.reshape(T * B, D) @ W_xh + b_h).reshape(T, B, H)
    h_prev = np.zeros((B, H), hs.dtype) if h_0 is None else h_0
    for h_t in hs:  # a view: each net input is overwritten by its state
        h_t += h_prev @ W_hh
        np.tanh(h_t, out=h_t)
        h_prev = h_t
    return hs


def rnn_step_backward(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    r"""Carry a gradient back through one step.

    With :math:`z_t` the net input, :math:`h_t = \tanh z_t` gives :math:`dz_t = dh_t \odot (1 - h_t^2)`; everything
    else is the derivative of a matrix product.

    Parameters
    ----------
    dh_t : (B, H) array
        Gradient of the loss with respect to h_t, all its uses together.
    h_t : (B, H) array
        What :func:`rnn_step` returned.
    x_t, h_prev, W_xh, W_hh, b_h : (B, D), (B, H), (D, H), (H, H), (H,) arrays
        What :func:`rnn_step` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names and shapes of x_t, h_prev, W_xh, W_hh and b_h.

    Examples
    --------
    One sequence, one unit. At the state 0.5 the slope of tanh is 0.75, so of a gradient of 2 the net input gets 1.5.

    >>> def one(number): return np.array([[number]])
    >>> grads = rnn_step_backward(one(2.0), one(0.5), one(10.0), one(0.5), one(2.0), one(-1.0), np.zeros(1))
    >>> {name: g.item() for name, g in grads.items()}
    {'x_t': 3.0, 'h_prev': -1.5, 'W_xh': 15.0, 'W_hh': 0.75, 'b_h': 1.5}
    """
    dz_t = dh_t * (1 - h_t**2)
    return {
        "x_t": dz_t @ W_xh.T,
        "h_prev": dz_t @ W_hh.T,
        "W_xh": x_t.T @ dz_t,
        "W_hh": h_prev.T @ dz_t,
        "b_h": dz_t.sum(axis=0),
    }


def rnn_backward(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    r"""Carry gradients back through whole sequences: backpropagation through time.

    Parameters
    ----------
    dhs : (T, B, H) array
        Gradient of the loss with respect to each state, counting only the uses outside the recurrence (a read-out
        at step t, say). What reaches a state from later steps is added here.
    hs : (T, B, H) array
        What :func:`rnn_forward` returned.
    xs, W_xh, W_hh, b_h : (T, B, D), (D, H), (H, H), (H,) arrays
    h_0 : (B, H) array, optional
        What :func:`rnn_forward` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names and shapes of xs, W_xh, W_hh, b_h and h_0, the last one also when h_0 was left out.

    Examples
    --------
    At the state 0 tanh has slope 1. With a loss of h at every step the first input counts in three of them.

    >>> zeros, one = np.zeros((3, 1, 1)), np.eye(1)
    >>> rnn_backward(np.ones((3, 1, 1)), zeros, zeros, one, one, np.zeros(1))["xs"].ravel()
    array([3., 2., 1.])
    """
    T, B, D = xs.shape
    H = len(b_h)
    dzs = np.square(hs)
    np.subtract(1, dzs, out=dzs)  # the slope of tanh at every step
    dh_t = np.zeros((B, H), hs.dtype)
    for dz_t, dh_outside in zip(dzs[::-1], dhs[::-1], strict=True):  # views, the last step first
        dh_t += dh_outside
        dz_t *= dh_t
        np.matmul(dz_t, W_hh.T, out=dh_t)
    # Every step adds to the same weights: one product over all steps and
    # sequences does all the additions.
    flat = dzs.reshape(T * B, H)
    dW_hh = hs[:-1].reshape((T - 1) * B, H).T @ flat[B:]
    if h_0 is not None:
        dW_hh += h_0.T @ dzs[0]
    return {
        "xs": (flat @ W_xh.T).reshape(T, B, D),
        "W_xh": xs.reshape(T * B, D).T @ flat,
        "W_hh": dW_hh,
        "b_h": flat.sum(axis=0),
        "h_0": dh_t,
    }


def rnn_forward_stepwise(xs, W_xh, W_hh, b_h, h_0=None):
    """Do what :func:`rnn_forward` does in the fewest words: one :func:`rnn_step` after another."""
    h_t = np.zeros((xs.shape[1], len(b_h)), xs.dtype) if h_0 is None else h_0
    hs = []
    for x_t in xs:
        h_t = rnn_step(x_t, h_t, W_xh, W_hh, b_h)
        hs.append(h_t)
    return np.stack(hs)


def rnn_backward_stepwise(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    """Do what :func:`rnn_backward` does in the fewest words: one :func:`rnn_step_backward` after another."""
    if h_0 is None:
        h_0 = np.zeros_like(hs[0])
    weights = {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    grads = {name: np.zeros_like(p) for name, p in weights.items()}
    dxs = np.empty_like(xs)
    dh_next = np.zeros_like(h_0)
    for t in reversed(range(len(xs))):
        h_prev = hs[t - 1] if t else h_0
        step = rnn_step_backward(dhs[t] + dh_next, hs[t], xs[t], h_prev, **weights)
        dxs[t], dh_next = step["x_t"], step["h_prev"]
        for name in grads:
            grads[name] += step[name]
    return {"xs": dxs, **grads, "h_0": dh_next}
