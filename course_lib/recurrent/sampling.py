"""Text from a language model: drawn at random in several ways, or searched for.

A model is here a function ``logits, state = step(tokens, state)``: from the last token of each of B sequences, (B,),
and the state before it (None at the start) to scores (B, V) of the next token and the state after it.
:func:`language_model_step` makes one of a trained model.
"""

import numpy as np

from course_lib.functional import log_softmax
from course_lib.recurrent import language_model


def language_model_step(params, layer=None):
    """Make a trained language model a function that reads one token at a time.

    Parameters
    ----------
    params : dict of arrays
        From :func:`~course_lib.recurrent.language_model.train_language_model`.
    layer : function, optional

    Returns
    -------
    function
        ``logits, state = step(tokens, state)``.
    """

    def step(tokens, state=None):
        logits, state = language_model.language_model_logits(params, tokens[None], state, layer)
        return logits[0], state

    return step


def next_probabilities(logits, temperature=1.0, refuse=()):
    r"""Probabilities of the next token, sharpened or flattened: :math:`p_i \propto e^{z_i / \tau}`, refused ones zero.

    Parameters
    ----------
    logits : (B, V) array
        Scores z, or logarithms of probabilities; minus infinity rules a token out. Left as they are.
    temperature : float
        :math:`\tau`. Below 1 the likely become likelier. At 0 all goes to the likeliest, the first among equals.
    refuse : sequence of int
        Tokens that get nothing, such as <UNK>.

    Returns
    -------
    p : (B, V) array
        Each row adds up to 1.

    Raises
    ------
    ValueError
        If a row has no token left to give anything to, or holds nan under a token that is not refused.

    Examples
    --------
    At temperature 1/2 probabilities are squared, then scaled to add up to 1.

    >>> next_probabilities(np.log([[0.6, 0.3, 0.1]]), temperature=0.5, refuse=[2]).round(3)
    array([[0.8, 0.2, 0. ]])
    """
    scores = np.array(logits, dtype=np.float64)
    scores[:, list(refuse)] = -np.inf
    best = scores.max(axis=-1, keepdims=True)
    if not np.isfinite(best).all():
        raise ValueError(
            "the best score of a row is not a finite number: is every token refused, or has training failed?"
        )
    if temperature == 0:
        return np.eye(scores.shape[1])[scores.argmax(axis=-1)]
    p = np.exp((scores - best) / temperature)
    return p / p.sum(axis=-1, keepdims=True)


def keep_top_k(p, k):
    """Strike out all but the k likeliest tokens of each row, and scale what is left to add up to 1.

    Parameters
    ----------
    p : (B, V) array
        Probabilities. Left as they are.
    k : int
        At least 1. More than there are tokens: all stay. Of equals, those with the lower index stay.

    Returns
    -------
    (B, V) array

    Examples
    --------
    >>> keep_top_k(np.array([[0.125, 0.5, 0.375]]), 2).round(3)
    array([[0.   , 0.571, 0.429]])
    """
    order = np.argsort(-p, axis=-1, kind="stable")  # likeliest first, ties by index
    kept = p.copy()
    np.put_along_axis(kept, order[:, k:], 0.0, axis=-1)
    return kept / kept.sum(axis=-1, keepdims=True)


def keep_top_p(p, top_p):
    """Keep of each row the nucleus: the likeliest tokens, as few as together have at least top_p.

    Parameters
    ----------
    p : (B, V) array
        Probabilities. Left as they are.
    top_p : float
        Above 0, up to 1. The likeliest token always stays. Of equals, the one with the lower index comes first.

    Returns
    -------
    (B, V) array
        Zero outside the nucleus; each row adds up to 1.

    Examples
    --------
    The first two have 0.875 together: more than enough for 0.6, and one of them is not.

    >>> keep_top_p(np.array([[0.125, 0.5, 0.375]]), 0.6).round(3)
    array([[0.   , 0.571, 0.429]])
    """
    order = np.argsort(-p, axis=-1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=-1)
    likelier = np.cumsum(ranked, axis=-1) - ranked  # what the tokens before this one have together
    kept = np.zeros_like(p)
    np.put_along_axis(kept, order, np.where(likelier < top_p, ranked, 0.0), axis=-1)
    return kept / kept.sum(axis=-1, keepdims=True)


def sample(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    r"""Draw one token for each row of scores.

    In this order: :func:`next_probabilities` strikes out the refused and divides by the temperature,
    :func:`keep_top_k` and :func:`keep_top_p` strike out the unlikely, and among what is left one token is drawn.

    Parameters
    ----------
    logits : (B, V) array
        Scores, or logarithms of probabilities. Left as they are.
    rng : numpy Generator
        Each row draws on its own. At temperature 0 there is nothing to draw, and it may be None.
    temperature : float
    top_k : int, optional
        All when left out.
    top_p : float, optional
        Measured on what `top_k` left. All when left out.
    refuse : sequence of int
        Tokens never drawn, such as <UNK>.

    Returns
    -------
    tokens : (B,) array of int

    Examples
    --------
    >>> logits = np.log([[0.5, 0.3, 0.2]])
    >>> rng = np.random.default_rng(0)
    >>> [int(sample(logits, rng)[0]) for _ in range(10)]
    [1, 0, 0, 0, 2, 2, 1, 1, 1, 2]
    >>> [int(sample(logits, rng, top_p=0.5, refuse=[0])[0]) for _ in range(5)]
    [1, 1, 1, 1, 1]
    """
    p = next_probabilities(logits, temperature, refuse)
    if temperature == 0:
        return p.argmax(axis=-1)
    if top_k is not None:
        p = keep_top_k(p, top_k)
    if top_p is not None:
        p = keep_top_p(p, top_p)
    # The first token at which the running sum passes a number drawn below the whole.
    running = np.cumsum(p, axis=-1)
    drawn = rng.random((len(p), 1)) * running[:, -1:]
    return np.argmax(running > drawn, axis=-1)


def generate(step, prompt, rng=None, *, max_length, eos=None, state=None, draw=None, **how):
    """Continue sequences token by token until they end.

    Parameters
    ----------
    step : function
        ``logits, state = step(tokens, state)``, as said at the head of this module.
    prompt : (T, B) array of int
        What each of the B sequences begins with, at least one token (<SOS>). It is read, not returned.
    rng : numpy Generator
    max_length : int
        Tokens to add at most.
    eos : int, optional
        A sequence ends with this token; never, when left out.
    state : optional
        The state before the prompt.
    draw : function, optional
        Stand-in for :func:`sample`: ``tokens = draw(logits, rng, **how)``.
    **how
        temperature, top_k, top_p, refuse: passed on to `draw`.

    Returns
    -------
    list of B lists of int
        The tokens added. The last one is `eos` where the sequence ended by itself.

    Examples
    --------
    A model that counts: after k it always says k + 1.

    >>> def count_up(tokens, state): return np.log(np.eye(6)[(tokens + 1) % 6] + 1e-300), state
    >>> generate(count_up, np.array([[0, 3]]), np.random.default_rng(0), max_length=4, eos=5)
    [[1, 2, 3, 4], [4, 5]]
    """
    draw = draw or sample
    for tokens in prompt:
        logits, state = step(tokens, state)
    added = []
    alive = np.ones(len(tokens), dtype=bool)
    while len(added) < max_length and alive.any():
        if added:
            logits, state = step(tokens, state)
        tokens = draw(logits, rng, **how)
        added.append(tokens)
        alive &= tokens != eos
    columns = np.array(added, dtype=int).reshape(len(added), len(alive)).T.tolist()
    # A sequence that has ended is still fed while others go on; what it says then is cut off.
    return [column[: column.index(eos) + 1] if eos in column else column for column in columns]


def greedy(step, prompt, *, max_length, eos=None, state=None, refuse=()):
    """Continue sequences with the likeliest token at every step; see :func:`generate`.

    >>> def count_up(tokens, state): return np.eye(6)[tokens + 1], state
    >>> greedy(count_up, np.array([[0], [1]]), max_length=3)
    [[2, 3, 4]]
    """
    return generate(step, prompt, max_length=max_length, eos=eos, state=state, temperature=0, refuse=refuse)


def extend_beams(worth, log_p, ended, eos):
    """Take one step of a beam search: of all extensions of a sequence's beginnings, keep the best.

    A beginning is worth the sum of the log probabilities of its tokens. One that has ended is not extended: it goes
    on as it is, under the token eos, at no cost.

    Parameters
    ----------
    worth : (B, width) array
        What the beginnings of each sequence are worth; minus infinity for a place that is not taken.
    log_p : (B, width, V) array
        Log probability of each next token after each beginning. Left as it is.
    ended : (B, width) array of bool
        Which beginnings have ended.
    eos : int

    Returns
    -------
    worth : (B, width) array
        Of the best extensions of each sequence, best first.
    beams : (B, width) array of int
        Which beginning each of them extends.
    tokens : (B, width) array of int
        And by which token. Of extensions worth the same, the one of the earlier beginning comes first, then the one by
        the lower token.

    Examples
    --------
    One sequence with two beginnings, the first ended by token 2. It stays; the best of the rest is 0.3 * 0.6 = 0.18.

    >>> worth, log_p = np.log([[0.4, 0.3]]), np.log([[[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]]])
    >>> worth, beams, tokens = extend_beams(worth, log_p, np.array([[True, False]]), eos=2)
    >>> np.exp(worth).round(2), beams, tokens
    (array([[0.4 , 0.18]]), array([[0, 1]]), array([[2, 0]]))
    """
    B, width, V = log_p.shape
    log_p = log_p.copy()
    log_p[ended] = -np.inf
    log_p[ended, eos] = 0.0
    total = (worth[:, :, None] + log_p).reshape(B, width * V)
    best = np.argsort(-total, axis=-1, kind="stable")[:, :width]
    return np.take_along_axis(total, best, axis=-1), best // V, best % V


def beam_search(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    r"""Search for likely continuations, keeping the `width` best beginnings of each sequence at every step.

    At each step :func:`extend_beams` says which extensions are kept; the state and the tokens before follow them. One
    that has ended stays in the beam as it is. The search is over when all have ended, or after `max_length` steps.

    Parameters
    ----------
    step : function
        ``logits, state = step(tokens, state)``: from the last token of each row, (rows,), and the state before it to
        scores (rows, V) and the state after it. The rows are the B * width beams, those of a sequence side by side.
    start : (B,) array of int
        The token before the first, for each of B sequences.
    width : int
        1 is the greedy choice.
    max_length : int
        Tokens at most, the end included.
    eos : int
    state : (B, ...) array, or a tuple of such, at any depth, optional
        The state before the start, one row per sequence. None when left out, which `step` must understand.
    length_power : float
        In the end, hypotheses are ranked by log probability divided by length to this power: 0 favours short ones, 1
        is the mean per token. See :func:`rank_hypotheses`.
    extend : function, optional
        Stand-in for :func:`extend_beams`.

    Returns
    -------
    list of B lists of (tokens, log_probability)
        Best first, at most `width` for each sequence. The last token is `eos` where the hypothesis ended by itself.

    Examples
    --------
    The likeliest first token (0, with 0.6) leads to no sure end; the other does. Token 2 is the end.

    >>> chances = np.array([[0.4, 0.3, 0.3], [0.05, 0.05, 0.9], [0, 0, 1], [0.6, 0.4, 0]])
    >>> def step(tokens, state): return np.log(chances[tokens] + 1e-300), state
    >>> start = np.array([3])
    >>> for width in (1, 2):
    ...     tokens, log_p = beam_search(step, start, width=width, max_length=2, eos=2)[0][0]
    ...     print(tokens, round(np.exp(log_p), 2))
    [0, 0] 0.24
    [1, 2] 0.36
    """

    extend = extend or extend_beams
    B = len(start)
    each = np.arange(B)[:, None]
    tokens = np.repeat(start[:, None], width, axis=1)
    # To step all beams of all sequences are rows, those of one sequence side by side.
    state = take_rows(state, np.repeat(np.arange(B), width))
    worth = np.full((B, width), -np.inf)
    worth[:, 0] = 0.0  # all beams are alike before the first step: one of them speaks
    ended = np.zeros((B, width), dtype=bool)
    history = np.empty((B, width, 0), dtype=int)
    while history.shape[2] < max_length and not ended.all():
        logits, state = step(tokens.ravel(), state)
        log_p = log_softmax(logits).reshape(B, width, -1)
        worth, beams, tokens = extend(worth, log_p, ended, eos)
        # What belongs to a beginning follows it to its new place.
        history = np.concatenate([history[each, beams], tokens[:, :, None]], axis=2)
        ended = ended[each, beams] | (tokens == eos)
        state = take_rows(state, (width * each + beams).ravel())
    return rank_hypotheses(history, worth, eos, length_power)


def take_rows(state, rows):
    """Pick rows of a state, one row per sequence, whatever it is made of: an array, None, or a tuple of such.

    >>> take_rows((np.array([[1], [2]]), None), [1, 1, 0])
    (array([[2],
           [2],
           [1]]), None)
    """
    if state is None:
        return None
    return tuple(take_rows(part, rows) for part in state) if isinstance(state, tuple) else state[rows]


def rank_hypotheses(history, worth, eos, length_power=0.0):
    """Cut what a beam search holds off at the end of sentence, and sort it.

    Parameters
    ----------
    history : (B, width, T) array of int
        The tokens of each hypothesis; one that ended early is filled up with `eos`.
    worth : (B, width) array
        Their log probabilities; minus infinity where there is no hypothesis.
    eos : int
    length_power : float
        Ranks go by log probability divided by length to this power.

    Returns
    -------
    list of B lists of (tokens, log_probability), best first

    Examples
    --------
    >>> rank_hypotheses(np.array([[[1, 1, 3], [2, 3, 3]]]), np.array([[-3.5, -3.0]]), eos=3)
    [[([2, 3], -3.0), ([1, 1, 3], -3.5)]]
    >>> rank_hypotheses(np.array([[[1, 1, 3], [2, 3, 3]]]), np.array([[-3.5, -3.0]]), eos=3, length_power=1.0)
    [[([1, 1, 3], -3.5), ([2, 3], -3.0)]]
    """
    results = []
    for rows, values in zip(history.tolist(), worth.tolist(), strict=True):
        pairs = [
            (row[: row.index(eos) + 1] if eos in row else row, log_p)
            for row, log_p in zip(rows, values, strict=True)
            if log_p > -np.inf
        ]
        results.append(sorted(pairs, key=lambda pair: pair[1] / len(pair[0]) ** length_power, reverse=True))
    return results
