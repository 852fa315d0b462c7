r"""Backpropagation through time, for any step function; cut short; and what it does to a gradient on the way.

The loss of a sequence is a sum over steps, and a state acts on the losses of its own step and, through the states that
follow, of all later ones. So the gradient at a state is what its own step's loss says (the *explicit* part, ``dhs[t]``)
and what comes back through the next state (the *implicit* part).

Truncated backpropagation has two forms. :func:`truncated_backward` is the exact one: no loss reaches back more than k
steps. The other cuts a long text into chunks and treats the state before a chunk as a constant, which costs less and
lets a loss reach back k steps at most but only one at a chunk's beginning: that is
:func:`course_lib.recurrent.language_model.tbptt_step`.
"""

import numpy as np


def forward_through_time(step, xs, h_0, params):
    """Run any step function over whole sequences and return the state after every step.

    Parameters
    ----------
    step : function
        ``step(x_t, h_prev, **params)`` gives the next state, as :func:`~course_lib.recurrent.rnn.rnn_step` does.
    xs : (T, B, D) array
    h_0 : (B, H) array
    params : dict of arrays

    Returns
    -------
    hs : (T, B, H) array

    Examples
    --------
    >>> def running_sum(x_t, h_prev): return h_prev + x_t
    >>> forward_through_time(running_sum, np.ones((3, 1, 1)), np.zeros((1, 1)), {}).ravel()
    array([1., 2., 3.])
    """
    hs = []
    for x_t in xs:
        h_0 = step(x_t, h_0, **params)
        hs.append(h_0)
    return np.stack(hs)


def backward_through_time(step_backward, dhs, hs, xs, h_0, params):
    """Carry gradients back through whole sequences, for any step function that has a backward.

    A cell whose state has several parts (an LSTM's h and c) fits as well: lay the parts side by side in one array.

    Parameters
    ----------
    step_backward : function
        ``step_backward(dh_t, h_t, x_t, h_prev, **params)`` gives a dict of gradients under the names x_t, h_prev and
        those of params, as :func:`~course_lib.recurrent.rnn.rnn_step_backward` does.
    dhs : (T, B, H) array
        Gradient of the loss with respect to each state, counting only the uses outside the recurrence.
    hs : (T, B, H) array
        From :func:`forward_through_time`.
    xs, h_0, params
        What :func:`forward_through_time` was given.

    Returns
    -------
    dict of arrays
        Gradients under the names xs, hs, h_0 and those of params. ``hs`` holds the whole gradient at each state,
        explicit and implicit parts together.

    Examples
    --------
    With a running sum, every input reaches all later states: the first one counts in three of them.

    >>> def back(dh_t, h_t, x_t, h_prev): return {"x_t": dh_t, "h_prev": dh_t}
    >>> ones = np.ones((3, 1, 1))
    >>> backward_through_time(back, ones, np.cumsum(ones, axis=0), ones, np.zeros((1, 1)), {})["xs"].ravel()
    array([3., 2., 1.])
    """
    grads = {name: np.zeros_like(p) for name, p in params.items()}
    dxs, totals = np.empty_like(xs), np.empty_like(hs)
    dh_next = np.zeros_like(h_0)
    for t in reversed(range(len(xs))):
        totals[t] = dhs[t] + dh_next
        step = step_backward(totals[t], hs[t], xs[t], hs[t - 1] if t else h_0, **params)
        dxs[t], dh_next = step["x_t"], step["h_prev"]
        for name in grads:
            grads[name] += step[name]
    return {"xs": dxs, "hs": totals, **grads, "h_0": dh_next}


def truncated_backward(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    r"""Carry the gradient of each step's loss back through at most k steps of the RNN, its own included.

    For the loss at step t, the state before step :math:`t - k + 1` counts as a constant. With k = 1 nothing flows
    through time; with k = T this is :func:`~course_lib.recurrent.rnn.rnn_backward`. The cost grows with k T, since
    every loss has a window of its own, which ends k - 1 steps before it.

    Parameters
    ----------
    dhs : (T, B, H) array
        Gradient of step t's loss with respect to ``hs[t]``.
    hs : (T, B, H) array
        What :func:`~course_lib.recurrent.rnn.rnn_forward` returned.
    xs, W_xh, W_hh, b_h : (T, B, D), (D, H), (H, H), (H,) arrays
    h_0 : (B, H) array, optional
        What :func:`~course_lib.recurrent.rnn.rnn_forward` was given.
    k : int
        How many steps a loss reaches, 1 or more.

    Returns
    -------
    dict of arrays
        Gradients under the names and shapes of xs, W_xh, W_hh, b_h and h_0; h_0 hears of the losses
        at the first k steps only.

    Examples
    --------
    One unit that hardly bends, and a loss of h at every step: input t reaches k of the losses that follow.

    >>> xs, one = np.full((4, 1, 1), 1e-9), np.eye(1)
    >>> truncated_backward(np.ones((4, 1, 1)), xs, xs, one, one, np.zeros(1), k=2)["xs"].ravel().round(6)
    array([2., 2., 2., 1.])
    """
    T, B, D = xs.shape
    H = len(b_h)
    slopes = 1 - hs**2
    # reach[s] is the gradient of the loss at step s + i with respect to
    # the net input of step s, in round i.
    reach = dhs * slopes
    dzs = reach.copy()
    for i in range(1, min(k, T)):
        reach = (reach[1:] @ W_hh.T) * slopes[: T - i]
        dzs[: T - i] += reach
    flat = dzs.reshape(T * B, H)
    before = np.concatenate([np.zeros_like(hs[:1]) if h_0 is None else h_0[None], hs[:-1]])
    return {
        "xs": (flat @ W_xh.T).reshape(T, B, D),
        "W_xh": xs.reshape(T * B, D).T @ flat,
        "W_hh": before.reshape(T * B, H).T @ flat,
        "b_h": flat.sum(axis=0),
        "h_0": dzs[0] @ W_hh.T,
    }


def jacobian_product_norms(hs, W_hh):
    r"""Measure how strongly each state of a tanh RNN acts on the last: :math:`\|\partial h_T / \partial h_k\|_2`.

    The derivative is a product with one Jacobian per step between,

    .. math:: \frac{\partial h_T}{\partial h_k} = \prod_{t=k+1}^{T} W_{hh} \, \mathrm{diag}(1 - h_t^2),

    and its spectral norm is the largest factor by which it can stretch a small change of :math:`h_k`. It is at most
    :math:`\|W_{hh}\|_2^{T-k}`, because no slope of tanh exceeds 1.

    Parameters
    ----------
    hs : (T, B, H) array
        States after every step.
    W_hh : (H, H) array

    Returns
    -------
    norms : (T, B) array
        Row k belongs to ``hs[k]``, column b to sequence b; the last row is 1.

    Examples
    --------
    At the state 0 tanh has slope 1, so every step multiplies by the one weight.

    >>> jacobian_product_norms(np.zeros((4, 1, 1)), np.array([[0.5]])).ravel()
    array([0.125, 0.25 , 0.5  , 1.   ])
    """
    T, B, H = hs.shape
    norms = np.ones((T, B), hs.dtype)
    product = np.eye(H, dtype=hs.dtype)
    for t in range(T - 1, 0, -1):
        # A change of h_{t-1} first passes W_hh and the slopes of step t, then all that follows.
        product = (W_hh * (1 - hs[t][:, None, :] ** 2)) @ product
        norms[t - 1] = np.linalg.norm(product, ord=2, axis=(-2, -1))
    return norms


def gradient_norms_over_time(step_backward, dh_T, hs, xs, h_0, params):
    r"""Measure the gradient of a loss on the last state as it travels back: :math:`\|\partial L / \partial h_t\|_2`.

    Where :func:`jacobian_product_norms` gives the worst case of a tanh RNN, this follows one gradient in any cell.

    Parameters
    ----------
    step_backward : function
        As for :func:`backward_through_time`.
    dh_T : (B, H) array
        Gradient of the loss with respect to the last state.
    hs, xs, h_0, params
        As for :func:`backward_through_time`.

    Returns
    -------
    norms : (T, B) array
        Row t belongs to ``hs[t]``; the last row is the norm of dh_T.

    Examples
    --------
    A state that keeps half of itself at every step halves the gradient on the way back.

    >>> def back(dh_t, h_t, x_t, h_prev): return {"x_t": dh_t, "h_prev": dh_t / 2}
    >>> zeros = np.zeros((4, 1, 1))
    >>> gradient_norms_over_time(back, np.ones((1, 1)), zeros, zeros, zeros[0], {}).ravel()
    array([0.125, 0.25 , 0.5  , 1.   ])
    """
    dhs = np.zeros_like(hs)
    dhs[-1] = dh_T
    return np.linalg.norm(backward_through_time(step_backward, dhs, hs, xs, h_0, params)["hs"], axis=-1)
