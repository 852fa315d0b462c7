r"""A language model: the probability of a sequence, one token at a time.

.. math:: P(y_1, \dots, y_T) = \prod_t P(y_t \mid y_1, \dots, y_{t-1})

The network reads :math:`x_t = y_{t-1}` and answers with scores for :math:`y_t`. Tokens are indices; a one-hot row times
a matrix is a row of that matrix, so they are looked up and never written out as one-hot rows.

The parameters are one dict: the embedding ``W_xe`` (V, E), those of the recurrent layer, and the read-out ``W_hy``
(H, V) and ``b_y`` (V,). The layer is an argument, a function

    ``hs, state, backward = layer(xs, params, state)``

from inputs (T, B, E), the layer's parameters and the state before the first step (None for zeros) to the states
(T, B, H), the state to carry on, and a function from the gradient at hs to a dict of gradients, under the name xs the
one at the inputs. :func:`rnn_layer` is the tanh RNN.

Leaves out drawing text from the model (:mod:`course_lib.recurrent.sampling`).
"""

from functools import partial

import numpy as np

from course_lib import optim
from course_lib.functional import log_softmax
from course_lib.recurrent import rnn
from course_lib.recurrent.losses import cross_entropy_over_time


def shift_targets(tokens, sos, eos):
    """Make inputs and targets of sentences: each token is predicted from those before it, the end as well.

    Parameters
    ----------
    tokens : (T,) or (T, B) array of int, or list
        One sentence, which may be empty, or B of one length. Lengths that differ are padded after shifting.
    sos, eos : int
        Indices of the start and the end of a sentence.

    Returns
    -------
    inputs, targets : (T + 1,) or (T + 1, B) arrays of int
        ``targets[t]`` is what follows ``inputs[t]``.

    Examples
    --------
    >>> shift_targets(np.array([7, 8, 9]), sos=2, eos=3)
    (array([2, 7, 8, 9]), array([7, 8, 9, 3]))
    """
    tokens = np.asarray(tokens, dtype=int)
    row = (1, *tokens.shape[1:])  # one more step, as wide as the others
    return np.concatenate([np.full(row, sos), tokens]), np.concatenate([tokens, np.full(row, eos)])


def perplexity(log_probabilities, mask=None):
    r"""Among how many equally likely tokens the model wavers on average: :math:`\exp(-\frac1N \sum \log p)`.

    Parameters
    ----------
    log_probabilities : array, any shape
        Natural logarithm of the probability given to each token that came.
    mask : array of bool of the same shape, optional
        True at real tokens, False at padding, which counts for nothing. All real when left out.

    Returns
    -------
    float
        From 1, for a model that always knew, to infinity, for one that ruled a token out.

    Raises
    ------
    ValueError
        If there is no real token.

    Examples
    --------
    One chance in two, then one in eight: on average one in four.

    >>> round(perplexity(np.log([1 / 2, 1 / 8])), 9)
    4.0
    """
    log_probabilities = np.asarray(log_probabilities, dtype=np.float64)
    if mask is not None:
        log_probabilities = log_probabilities[mask]
    if log_probabilities.size == 0:
        raise ValueError("there are no tokens to average over; expected at least one.")
    return float(np.exp(-np.mean(log_probabilities)))


def sentence_log_probability(logits_of, sentence, sos, eos):
    r"""Natural logarithm of the probability of a sentence, its end included: :math:`\sum_t \log P(y_t \mid y_{<t})`.

    Parameters
    ----------
    logits_of : function
        The model: from inputs (T, B) to scores (T, B, V), one softmax per step and sequence.
    sentence : (T,) sequence of int
        Without start and end; may be empty.
    sos, eos : int

    Returns
    -------
    float

    Examples
    --------
    A model that finds all of four tokens equally likely: two tokens and the end cost three times log 4.

    >>> def know_nothing(inputs): return np.zeros((*inputs.shape, 4))
    >>> round(sentence_log_probability(know_nothing, [1, 1], sos=2, eos=3), 3), round(-3 * np.log(4), 3)
    (-4.159, np.float64(-4.159))
    """
    inputs = np.array([sos, *sentence])
    targets = np.array([*sentence, eos])
    logits = logits_of(inputs[:, None])[:, 0].astype(np.float64)
    return float(log_softmax(logits)[np.arange(len(targets)), targets].sum())


def rescore(hypotheses, logits_of, sos, eos, scores=None, weight=1.0):
    """Score several readings of the same thing by how likely each is as a sentence.

    A recogniser that hears two readings equally well cannot choose between them; a language model can.

    Parameters
    ----------
    hypotheses : list of N sequences of int
    logits_of, sos, eos
        As for :func:`sentence_log_probability`.
    scores : (N,) sequence of float, optional
        Natural logarithms of how well each fits what was heard; all alike when left out.
    weight : float
        Weight of the language model.

    Returns
    -------
    totals : (N,) array
        The best hypothesis is at ``totals.argmax()``.

    Examples
    --------
    >>> def prefer_low_indices(inputs): return np.broadcast_to([2.0, 1.0, 0.0, 0.0], (*inputs.shape, 4))
    >>> rescore([[0, 1], [1, 1], [0, 0]], prefer_low_indices, sos=2, eos=3).argmax()
    np.int64(2)
    """
    lm = np.array([sentence_log_probability(logits_of, sentence, sos, eos) for sentence in hypotheses])
    return weight * lm + (0.0 if scores is None else np.asarray(scores))


def rnn_layer(xs, params, state=None, forward=None, backward=None):
    """Run the tanh RNN as a layer that carries its state on; see the head of this module.

    Parameters
    ----------
    xs : (T, B, E) array
    params : dict of arrays
        ``W_xh``, ``W_hh``, ``b_h``.
    state : (B, H) array, optional
    forward, backward : functions, optional
        Stand-ins for :func:`~course_lib.recurrent.rnn.rnn_forward` and
        :func:`~course_lib.recurrent.rnn.rnn_backward`: ``layer=partial(rnn_layer, forward=mine)``.

    Returns
    -------
    hs : (T, B, H) array
    state : (B, H) array
    backward : function from (T, B, H) to a dict of arrays
    """
    forward, backward = forward or rnn.rnn_forward, backward or rnn.rnn_backward
    hs = forward(xs, **params, h_0=state)
    return hs, hs[-1], lambda dhs: backward(dhs, hs, xs, **params, h_0=state)


def init_language_model(V, E, H, rng, init=None, dtype=np.float32):
    """Draw the parameters of a language model.

    Parameters
    ----------
    V, E, H : int
        Vocabulary size, width of the embedding and of the state.
    rng : numpy Generator
    init : function, optional
        ``init(E, H, rng, dtype=dtype)`` draws the layer; :func:`~course_lib.recurrent.rnn.init_rnn` when left out.
    dtype : float type of the arrays

    Returns
    -------
    dict of arrays
        ``W_xe`` (V, E) standard normal, the layer's parameters, ``W_hy`` (H, V) and ``b_y`` (V,) zero: the untrained
        model finds all tokens equally likely.

    Examples
    --------
    >>> {name: p.shape for name, p in init_language_model(9, 4, 3, np.random.default_rng(0)).items()}
    {'W_xe': (9, 4), 'W_xh': (4, 3), 'W_hh': (3, 3), 'b_h': (3,), 'W_hy': (3, 9), 'b_y': (9,)}
    """
    return {
        "W_xe": rng.standard_normal((V, E)).astype(dtype),
        **(init or rnn.init_rnn)(E, H, rng, dtype=dtype),
        "W_hy": np.zeros((H, V), dtype),
        "b_y": np.zeros(V, dtype),
    }


def language_model_logits(params, inputs, state=None, layer=None):
    """Score every token as the next one, at every step.

    Parameters
    ----------
    params : dict of arrays
        From :func:`init_language_model`.
    inputs : (T, B) array of int
    state : optional
        What an earlier call returned, to go on from there.
    layer : function, optional

    Returns
    -------
    logits : (T, B, V) array
    state
        What the layer carries on.

    Examples
    --------
    >>> params = init_language_model(9, 4, 3, np.random.default_rng(0))
    >>> language_model_logits(params, np.array([[2, 2], [7, 8]]))[0].shape
    (2, 2, 9)
    """
    inner = {name: p for name, p in params.items() if name not in ("W_xe", "W_hy", "b_y")}
    hs, state, _ = (layer or rnn_layer)(params["W_xe"][inputs], inner, state)
    return hs @ params["W_hy"] + params["b_y"], state


def tbptt_step(params, inputs, targets, state=None, layer=None):
    """Compute loss and gradients on one chunk of a long text, going on from the state at the end of the last chunk.

    This is truncated backpropagation by chunks: what the network read before acts on this chunk through the state,
    which counts as a constant, so no gradient leaves the chunk.

    Parameters
    ----------
    params : dict of arrays
        ``W_xe`` (V, E), the layer's (of :func:`rnn_layer`: ``W_xh``, ``W_hh``, ``b_h``), ``W_hy`` (H, V), ``b_y`` (V,).
        Left as they are.
    inputs, targets : (T, B) arrays of int
        The chunk, and what follows each of its tokens.
    state : optional
        What the last call returned; None before the first chunk.
    layer : function, optional
        :func:`rnn_layer` when left out.

    Returns
    -------
    loss : float
        Cross-entropy in nats, summed over steps and averaged over sequences.
    grads : dict of arrays
        Under the names and shapes of params.
    state
        What the layer carries on to the next chunk.

    Examples
    --------
    An untrained model finds nine tokens equally likely: two steps cost twice log 9 = 2.197.

    >>> params = init_language_model(9, 4, 3, np.random.default_rng(0))
    >>> loss, grads, state = tbptt_step(params, np.array([[2], [7]]), np.array([[7], [3]]))
    >>> round(loss, 3), state.shape
    (4.394, (1, 3))
    """
    inner = {name: p for name, p in params.items() if name not in ("W_xe", "W_hy", "b_y")}
    hs, state, backward = (layer or rnn_layer)(params["W_xe"][inputs], inner, state)
    # All steps and sequences in one matrix: one product for each use of W_hy.
    flat = hs.reshape(inputs.size, -1)
    logits = flat @ params["W_hy"] + params["b_y"]
    loss, dlogits = cross_entropy_over_time(logits.reshape(*inputs.shape, -1), targets)
    dlogits = dlogits.reshape(logits.shape)
    through_time = backward((dlogits @ params["W_hy"].T).reshape(hs.shape))
    grads = {
        "W_xe": look_up_backward(through_time["xs"], inputs, len(params["W_xe"])),
        **{name: through_time[name] for name in inner},
        "W_hy": flat.T @ dlogits,
        "b_y": dlogits.sum(axis=0),
    }
    return loss, grads, state


def look_up_backward(drows, indices, V):
    """Carry a gradient back through a look-up, ``rows = W[indices]``: a row of W has that of all its uses together.

    Parameters
    ----------
    drows : (..., E) array
        Gradient of the loss with respect to each row that was looked up.
    indices : (...) array of int
        Which row of W that was.
    V : int
        Number of rows of W.

    Returns
    -------
    dW : (V, E) array
        Zero where a row was not looked up.

    Examples
    --------
    Row 2 was looked up twice, row 1 never.

    >>> look_up_backward(np.array([[1.0], [10.0], [100.0]]), np.array([2, 0, 2]), V=3)
    array([[ 10.],
           [  0.],
           [101.]])
    """
    n = indices.size
    indices, drows = indices.ravel(), drows.reshape(n, -1)
    # One-hot columns times rows. Few are written out; many as a sparse matrix, far faster than np.add.at.
    if n * V < 10_000:
        columns = np.zeros((V, n), drows.dtype)
        columns[indices, np.arange(n)] = 1
    else:
        from scipy.sparse import csc_matrix  # only those who train need it

        columns = csc_matrix((np.ones(n, drows.dtype), indices, np.arange(n + 1)), shape=(V, n))
    return columns @ drows


def streams(tokens, B):
    """Cut a long text into B pieces of one length and lay them side by side; a rest of less than B tokens is dropped.

    Examples
    --------
    >>> streams(np.arange(7), 2)
    array([[0, 3],
           [1, 4],
           [2, 5]])
    """
    n = len(tokens) // B
    return np.ascontiguousarray(np.reshape(tokens[: n * B], (B, n)).T)


def log_probabilities(params, tokens, state=None, layer=None, chunk=500):
    """Natural logarithm of the probability of each token but the first, given those before it.

    Parameters
    ----------
    params : dict of arrays
    tokens : (T,) or (T, B) array of int
        One text, or B that are read side by side, each from a state of its own: see :func:`streams`.
    state, layer
        As for :func:`language_model_logits`.
    chunk : int
        Steps at a time, which bounds the memory and changes no result.

    Returns
    -------
    (T - 1,) or (T - 1, B) array

    Examples
    --------
    >>> params = init_language_model(4, 4, 3, np.random.default_rng(0))
    >>> log_probabilities(params, np.array([0, 3, 1])).round(3)
    array([-1.386, -1.386], dtype=float32)
    """
    tokens = np.asarray(tokens)
    columns = tokens.reshape(len(tokens), -1)
    found = []
    for start in range(0, len(tokens) - 1, chunk):
        inputs = columns[start : min(start + chunk, len(tokens) - 1)]
        targets = columns[start + 1 : start + 1 + len(inputs)]
        logits, state = language_model_logits(params, inputs, state, layer)
        logits -= logits.max(axis=-1, keepdims=True)
        at_target = np.take_along_axis(logits, targets[:, :, None], axis=-1)[:, :, 0]
        found.append(at_target - np.log(np.exp(logits, out=logits).sum(axis=-1)))
    return np.concatenate(found).reshape(len(tokens) - 1, *tokens.shape[1:])


def bits_per_token(log_probabilities):
    """Mean of the negative base-2 logarithms: bits per character if the tokens are characters.

    >>> bits_per_token(np.log([1 / 2, 1 / 8]))
    2.0
    """
    return float(-np.mean(log_probabilities, dtype=np.float64) / np.log(2))


def train_language_model(
    tokens,
    rng,
    *,
    V,
    E=64,
    H=128,
    T=32,
    B=16,
    steps=1000,
    learning_rate=2e-3,
    max_norm=5.0,
    held_out=None,
    check_every=100,
    patience=5,
    params=None,
    init=None,
    layer=None,
    step=None,
    progress=None,
):
    """Train a language model on one long text by truncated backpropagation, chunk after chunk.

    The text is cut into B streams read side by side. The state is carried from chunk to chunk, and starts from zero
    when the streams begin again. Adam; the learning rate falls to zero along half a cosine wave.

    Parameters
    ----------
    tokens : (N,) array of int
    rng : numpy Generator
        Draws the parameters and each pass's first token, nothing else: the same generator gives the same model.
    V, E, H : int
        Vocabulary size, width of the embedding and of the state.
    T, B : int
        Steps in a chunk, streams.
    steps : int
        Chunks to train on.
    learning_rate : float
        Where it starts.
    max_norm : float
        Gradients longer than this are shortened to it.
    held_out : (M,) or (M, B) array of int, optional
        Text that training does not see. The parameters returned are those that did best on it.
    check_every, patience : int
        Measure on it after so many steps; stop after so many measurements without a new best.
    params : dict of arrays, optional
        Start from these, trained in place, instead of drawing some. A row of ``W_xe`` may be a pre-trained vector.
    init, layer, step : functions, optional
        Stand-ins for :func:`~course_lib.recurrent.rnn.init_rnn`, :func:`rnn_layer` and :func:`tbptt_step`.
    progress : function, optional
        Wraps the range of steps and shows how far it is, as ``tqdm.tqdm`` and ``rich.progress.track`` do.

    Returns
    -------
    params : dict of arrays
    history : dict of arrays
        ``bits``, of training, per token, at every step; ``checked``, the steps after which the held-out text was
        measured, and ``held_out_bits``.

    Examples
    --------
    A text of two tokens that take turns is soon learned: from one bit per token to almost none.

    >>> params, history = train_language_model(
    ...     np.arange(400) % 2, np.random.default_rng(0), V=2, E=2, H=4, T=5, B=4, steps=60, learning_rate=0.05
    ... )
    >>> history["bits"][[0, -1]].round(1)
    array([1., 0.])
    """
    step = step or partial(tbptt_step, layer=layer)
    if params is None:
        params = init_language_model(V, E, H, rng, init)
    per_stream = (len(tokens) - 1) // B
    if per_stream < 2 * T:
        raise ValueError(
            f"the text has {len(tokens)} tokens, {per_stream} in each of {B} streams; expected 2 T = {2 * T} or more. "
            "Take a longer text, fewer streams or shorter chunks."
        )
    optimiser = optim.Adam(learning_rate)
    bits, checked, measured = [], [], []
    best, at = None, per_stream
    for done in (progress or iter)(range(steps)):
        if at + T > per_stream:
            # Each pass cuts the text elsewhere, so that chunks do not always break in the same places.
            offset = rng.integers(T)
            columns, at, state = streams(tokens[offset:], B), 0, None
            per_stream = len(columns) - 1
        inputs, targets = columns[at : at + T], columns[at + 1 : at + T + 1]
        at += T
        loss, grads, state = step(params, inputs, targets, state)
        bits.append(loss / T / np.log(2))
        optimiser.learning_rate = learning_rate * (1 + np.cos(np.pi * done / steps)) / 2
        optimiser.step(params, optim.clip_by_global_norm(grads, max_norm)[0])
        if held_out is not None and ((done + 1) % check_every == 0 or done + 1 == steps):
            checked.append(done + 1)
            measured.append(bits_per_token(log_probabilities(params, held_out, layer=layer)))
            if measured[-1] == min(measured):
                best = {name: p.copy() for name, p in params.items()}
            elif len(measured) - np.argmin(measured) > patience:
                break
    history = {"bits": np.array(bits), "checked": np.array(checked), "held_out_bits": np.array(measured)}
    return best or params, history
