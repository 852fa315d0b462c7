"""The shapes in which a recurrent layer meets its task, where input and output differ in length.

===============================  ================================================================================
one to one                       no recurrence: a dense network
one to many                      :func:`one_to_many`: the input at the first step, an answer at every step
many to one                      :func:`~course_lib.recurrent.readouts.many_to_one`: an answer after the last step
many to many, aligned            :func:`~course_lib.recurrent.readouts.many_to_many`: an answer at every step
many to many, delayed            :func:`encode_decode`: read all, then write
===============================  ================================================================================

These functions arrange inputs and states and leave the answers to the read-outs. The layer is an argument:
``forward(xs, **params, h_0=...)`` and ``backward(dhs, hs, xs, **params, h_0=...)``, the tanh RNN when left out.
"""

import numpy as np

from course_lib.recurrent import rnn


def one_to_many(x, T, params, forward=None):
    """Show a layer one input, at the first of T steps, and zeros from then on.

    Parameters
    ----------
    x : (B, D) array
    T : int
        Steps to answer at.
    params : dict of arrays
        The layer's.
    forward : function, optional

    Returns
    -------
    hs : (T, B, H) array

    Examples
    --------
    >>> params = {"W_xh": np.eye(1), "W_hh": np.eye(1), "b_h": np.zeros(1)}
    >>> one_to_many(np.array([[0.5]]), 3, params).ravel().round(3)
    array([0.462, 0.432, 0.407])
    """
    forward = forward or rnn.rnn_forward
    xs = np.zeros((T, *x.shape), x.dtype)
    xs[0] = x
    return forward(xs, **params)


def one_to_many_backward(dhs, hs, x, params, backward=None):
    """Carry gradients back through :func:`one_to_many`.

    Returns
    -------
    dict of arrays
        Gradients under the names x and those of params.
    """
    backward = backward or rnn.rnn_backward
    xs = np.zeros((len(hs), *x.shape), x.dtype)
    xs[0] = x
    grads = backward(dhs, hs, xs, **params)
    return {"x": grads["xs"][0]} | {name: grads[name] for name in params}


def encode_decode(xs, ys, encoder, decoder, forward=None):
    """Read the source with one layer, then write with another that starts from the state of the first.

    The last state of the encoder is all that the decoder learns of the source.

    Parameters
    ----------
    xs : (S, B, D) array
        Source sequences, all of length S.
    ys : (T, B, E) array
        What the decoder is given at each step: a start mark and then the target so far, in training.
    encoder, decoder : dicts of arrays
        Parameters of the two layers, of the same state width.
    forward : function, optional

    Returns
    -------
    read : (S, B, H) array
        States of the encoder.
    written : (T, B, H) array
        States of the decoder.

    Examples
    --------
    >>> params = {"W_xh": np.eye(1), "W_hh": np.eye(1), "b_h": np.zeros(1)}
    >>> read, written = encode_decode(np.full((2, 1, 1), 0.5), np.zeros((1, 1, 1)), params, params)
    >>> read.ravel().round(3), written.ravel().round(3)
    (array([0.462, 0.745]), array([0.632]))
    """
    forward = forward or rnn.rnn_forward
    read = forward(xs, **encoder)
    return read, forward(ys, **decoder, h_0=read[-1])


def encode_decode_backward(dwritten, read, written, xs, ys, encoder, decoder, backward=None):
    """Carry gradients back through :func:`encode_decode`, from the decoder into the encoder.

    Parameters
    ----------
    dwritten : (T, B, H) array
        Gradient at the decoder's states.
    read, written
        What :func:`encode_decode` returned.
    xs, ys, encoder, decoder
        What :func:`encode_decode` was given.
    backward : function, optional

    Returns
    -------
    encoder, decoder : dicts of arrays
        Gradients of each layer's parameters and, under the name xs, of its inputs.
    """
    backward = backward or rnn.rnn_backward
    of_decoder = backward(dwritten, written, ys, **decoder, h_0=read[-1])
    dread = np.zeros_like(read)
    dread[-1] = of_decoder["h_0"]  # the only way back
    of_encoder = backward(dread, read, xs, **encoder)
    return (
        {name: of_encoder[name] for name in ("xs", *encoder)},
        {name: of_decoder[name] for name in ("xs", *decoder)},
    )
