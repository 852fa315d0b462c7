"""Two directions and many layers, for any recurrent layer.

A *layer* here is any function from (T, B, D) inputs to (T, B, H) states: ``functools.partial(rnn_forward, **params)``
written out, or a GRU, or a running sum. These functions neither know nor care which.
"""

import numpy as np


def bidirectional_forward(xs, forward_layer, backward_layer, combine="concat"):
    """Read the sequences in both directions, so that each step's state has seen the whole input.

    Parameters
    ----------
    xs : (T, B, D) array
        Sequences of one length: with padding, the backward layer would begin in it.
    forward_layer, backward_layer : functions from (T, B, D) to (T, B, H)
        The backward layer is handed the steps last first.
    combine : {"concat", "sum"}
        Lay the two states side by side, or add them.

    Returns
    -------
    hs : (T, B, 2H) array for "concat", forward half first; (T, B, H) array for "sum"
        ``hs[t]`` joins what each direction knows just after reading ``xs[t]``.

    Raises
    ------
    ValueError
        If combine is anything else.

    Examples
    --------
    With running sums as layers: forward the sum so far, backward the sum still to come, both counting step t.

    >>> def running_sum(xs): return np.cumsum(xs, axis=0)
    >>> xs = np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    >>> bidirectional_forward(xs, running_sum, running_sum)[:, 0]
    array([[  1., 111.],
           [ 11., 110.],
           [111., 100.]])
    """
    ahead = forward_layer(xs)
    back = backward_layer(xs[::-1])[::-1]
    if combine == "concat":
        return np.concatenate([ahead, back], axis=-1)
    if combine == "sum":
        return ahead + back
    raise ValueError(f'combine is {combine!r}; expected "concat" or "sum"')


def stacked_forward(xs, layers):
    """Put layers on top of one another: the states of each are the inputs of the next.

    Parameters
    ----------
    xs : (T, B, D) array
    layers : list of functions from (T, B, width below) to (T, B, own width)
        The bottom layer first.

    Returns
    -------
    states : list of (T, B, own width) arrays
        The states of every layer, bottom first; the last one is the stack's output.

    Examples
    --------
    Two running sums: the upper one adds up the partial sums of the lower one.

    >>> def running_sum(xs): return np.cumsum(xs, axis=0)
    >>> lower, upper = stacked_forward(np.ones((3, 1, 1)), [running_sum, running_sum])
    >>> lower.ravel(), upper.ravel()
    (array([1., 2., 3.]), array([1., 3., 6.]))
    """
    states = []
    for layer in layers:
        xs = layer(xs)
        states.append(xs)
    return states
