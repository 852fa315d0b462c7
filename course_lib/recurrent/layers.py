"""Two directions and many layers, for any recurrent layer.

A *layer* here is any function from (T, B, D) inputs to (T, B, H) states: ``functools.partial(rnn_forward, **params)``
written out, or a GRU, or a running sum. These functions neither know nor care which. Its *backward* is any function
from the gradient at those states to a dict of gradients, the one at its inputs under the name xs:
``lambda dhs: rnn_backward(dhs, hs, xs, **params)``.
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


def stacked_with_skips(xs, layers):
    """Put layers on top of one another, and let the input of each but the first also go around it.

    What a layer passes up is its states plus what it was given. A gradient from the top then reaches every layer
    undiminished, whatever the layers between do.

    Parameters
    ----------
    xs : (T, B, D) array
    layers : list of functions
        The first from (T, B, D) to (T, B, H), the others from (T, B, H) to (T, B, H). The bottom layer first.

    Returns
    -------
    outputs : list of (T, B, H) arrays
        What each layer passes up, bottom first; the last one is the stack's output.

    Examples
    --------
    Layers that say nothing do no harm: what enters comes out.

    >>> def silent(xs): return 0 * xs
    >>> stacked_with_skips(np.arange(3.0).reshape(3, 1, 1), [np.tanh, silent, silent])[-1].ravel().round(3)
    array([0.   , 0.762, 0.964])
    """
    outputs = []
    for number, layer in enumerate(layers):
        xs = xs + layer(xs) if number else layer(xs)
        outputs.append(xs)
    return outputs


def bidirectional_backward(dhs, forward_layer_backward, backward_layer_backward, combine="concat"):
    """Carry gradients back through :func:`bidirectional_forward`.

    Parameters
    ----------
    dhs : (T, B, 2H) array for "concat", (T, B, H) array for "sum"
    forward_layer_backward, backward_layer_backward : functions from (T, B, H) arrays to dicts of arrays
        The backward of each layer; the second is handed the steps last first.
    combine : {"concat", "sum"}
        As in the forward pass.

    Returns
    -------
    dxs : (T, B, D) array
    ahead, back : dicts of arrays
        What the two layers' backward functions returned, the gradients of their parameters among it.
    """
    if combine == "concat":
        dahead, dback = np.split(dhs, 2, axis=-1)
    elif combine == "sum":
        dahead = dback = dhs
    else:
        raise ValueError(f'combine is {combine!r}; expected "concat" or "sum"')
    ahead, back = forward_layer_backward(dahead), backward_layer_backward(dback[::-1])
    return ahead["xs"] + back["xs"][::-1], ahead, back


def stacked_backward(dhs, layer_backwards, skips=False):
    """Carry gradients back through :func:`stacked_forward` or :func:`stacked_with_skips`.

    Parameters
    ----------
    dhs : (T, B, width of the top layer) array
        Gradient at the stack's output.
    layer_backwards : list of functions from arrays of gradients to dicts of arrays
        The backward of each layer, the bottom layer first.
    skips : bool
        Whether the stack was one with skips.

    Returns
    -------
    dxs : (T, B, D) array
    grads : list of dicts of arrays
        What each layer's backward returned, bottom first.
    """
    grads = []
    for number, layer_backward in reversed(list(enumerate(layer_backwards))):
        below = layer_backward(dhs)
        grads.insert(0, below)
        dhs = dhs + below["xs"] if skips and number else below["xs"]
    return dhs, grads
