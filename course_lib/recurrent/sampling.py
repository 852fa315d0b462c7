"""Text from a language model: drawn at random in several ways, or searched for.

A model is here a function ``logits, state = step(tokens, state)``: from the last token of each of B sequences, (B,),
and the state before it (None at the start) to scores (B, V) of the next token and the state after it.
:func:`language_model_step` makes one of a trained model.
"""

import numpy as np

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


def sample(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    r"""Draw one token for each row of scores.

    In this order: refused tokens are struck out; scores are divided by the temperature and made probabilities; all but
    the `top_k` likeliest are struck out; of the rest, the likeliest are kept until together they have at least `top_p`
    of the probability. Among the tokens left, one is drawn with their probabilities scaled to add up to 1.

    Parameters
    ----------
    logits : (B, V) array
        Scores, or logarithms of probabilities. Left as they are.
    rng : numpy Generator
        Each row draws on its own.
    temperature : float
        Below 1 the likely become likelier. 0 takes the likeliest, with no chance left.
    top_k : int, optional
        At least 1. All when left out.
    top_p : float, optional
        Above 0, up to 1; the likeliest token is always kept. All when left out.
    refuse : sequence of int
        Tokens never drawn, such as <UNK>.

    Returns
    -------
    tokens : (B,) array of int

    Notes
    -----
    Of two tokens with the same score the one with the lower index counts as likelier.

    Examples
    --------
    >>> logits = np.log([[0.5, 0.3, 0.2]])
    >>> rng = np.random.default_rng(0)
    >>> [int(sample(logits, rng)[0]) for _ in range(10)]
    [1, 0, 0, 0, 2, 2, 1, 1, 1, 2]
    >>> [int(sample(logits, rng, top_p=0.5, refuse=[0])[0]) for _ in range(5)]
    [1, 1, 1, 1, 1]
    """
    scores = np.array(logits, dtype=np.float64)
    scores[:, list(refuse)] = -np.inf
    order = np.argsort(-scores, axis=-1, kind="stable")  # likeliest first, ties by index
    ranked = np.take_along_axis(scores, order, axis=-1)
    if not np.isfinite(ranked[:, 0]).all():
        raise ValueError(
            "the best score of a row is not a finite number: is every token refused, or has training failed?"
        )
    if temperature == 0:
        return order[:, 0]
    p = np.exp((ranked - ranked[:, :1]) / temperature)
    if top_k is not None:
        p[:, top_k:] = 0
    p /= p.sum(axis=-1, keepdims=True)
    if top_p is not None:
        likelier = np.cumsum(p, axis=-1) - p  # what the tokens before this one have together
        p[:, 1:][likelier[:, 1:] >= top_p] = 0
    # The first rank at which the running sum passes a number drawn below the whole.
    running = np.cumsum(p, axis=-1)
    drawn = rng.random((len(p), 1)) * running[:, -1:]
    rank = np.argmax(running > drawn, axis=-1)
    return order[np.arange(len(p)), rank]


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


def beam_search(step, start, *, width, max_length, eos, state=None, length_power=0.0):
    r"""Search for likely continuations, keeping the `width` best beginnings of each sequence at every step.

    A beginning is worth the sum of the log probabilities of its tokens; of two that are worth the same, the one kept
    is that from the better beginning, then that with the lower token. One that has ended stays in the beam as it is.

    Parameters
    ----------
    step : function
        ``logits, state = step(tokens, state)``, as said at the head of this module.
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
        is the mean per token.

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

    def rows_of(state, rows):
        if state is None:
            return None
        return tuple(rows_of(part, rows) for part in state) if isinstance(state, tuple) else state[rows]

    B = len(start)
    tokens = np.repeat(start, width)  # beams of one sequence side by side
    state = rows_of(state, np.repeat(np.arange(B), width))
    worth = np.full((B, width), -np.inf)
    worth[:, 0] = 0.0  # all beams are alike before the first step: one of them speaks
    ended = np.zeros(B * width, dtype=bool)
    history = np.empty((B * width, 0), dtype=int)
    while history.shape[1] < max_length and not ended.all():
        logits, state = step(tokens, state)
        logits = np.asarray(logits, dtype=np.float64)
        shifted = logits - logits.max(axis=-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        log_p[ended] = -np.inf
        log_p[ended, eos] = 0.0  # one that has ended goes on at no cost
        V = log_p.shape[1]
        total = (worth[:, :, None] + log_p.reshape(B, width, V)).reshape(B, width * V)
        best = np.argsort(-total, axis=-1, kind="stable")[:, :width]
        worth = np.take_along_axis(total, best, axis=-1)
        rows = (best // V + width * np.arange(B)[:, None]).ravel()  # the beginnings that go on
        tokens = (best % V).ravel()
        history = np.column_stack([history[rows], tokens])
        ended = ended[rows] | (tokens == eos)
        state = rows_of(state, rows)
    results = []
    for b in range(B):
        found = []
        for row, log_p in zip(history[b * width : (b + 1) * width].tolist(), worth[b].tolist(), strict=True):
            if log_p > -np.inf:
                found.append((row[: row.index(eos) + 1] if eos in row else row, log_p))
        found.sort(key=lambda pair: pair[1] / len(pair[0]) ** length_power, reverse=True)
        results.append(found)
    return results
