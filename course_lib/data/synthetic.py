"""Made-up tasks whose right answer is known, so that a model's failure says something about the model.

Every generator takes `rng`, a NumPy Generator, and returns arrays with time first: symbols are integer
codes of shape (T, B), real-valued inputs are float64 of shape (T, B, D). T is the number of steps, B the
sequences in a batch, V the number of different codes. Leaves out any model and any split: draw again for
fresh test data.
"""

import re
from functools import lru_cache

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789"
"""Codes of `planted_digit`: 0 is the space, 1 to 26 are the letters, 27 to 36 the digits; V = 37."""


def parity(rng, *, batch, length):
    """Random bits and, at every step, whether the number of ones so far is odd.

    The last step alone is the parity of the string. No window shorter than the string can tell it; one bit of
    state can.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, length : int
        B and T.

    Returns
    -------
    bits : (T, B) array of int
        0 or 1 with equal chance.
    odd : (T, B) array of int
        ``odd[t]`` is the sum of ``bits[:t + 1]`` modulo 2.

    Examples
    --------
    >>> bits, odd = parity(np.random.default_rng(0), batch=1, length=6)
    >>> bits[:, 0], odd[:, 0]
    (array([1, 1, 1, 0, 0, 0]), array([1, 0, 1, 1, 1, 1]))
    """
    _check_sizes(batch=batch, length=length)
    bits = rng.integers(2, size=(length, batch))
    return bits, bits.cumsum(axis=0) % 2


def echo(rng, *, batch, length, delay, symbols=8):
    """Random symbols, to be repeated `delay` steps later.

    Guessing is right once in `symbols` times, so that is the baseline for the steps with something to repeat.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, length : int
        B and T.
    delay : int
        Steps between a symbol and its echo; 0 asks for the symbol itself.
    symbols : int
        How many different ones. Their codes are 1 to `symbols`, so V = symbols + 1.

    Returns
    -------
    xs : (T, B) array of int
    targets : (T, B) array of int
        ``targets[t]`` is ``xs[t - delay]``; 0 while there is nothing to repeat.

    Examples
    --------
    >>> xs, targets = echo(np.random.default_rng(0), batch=1, length=6, delay=2)
    >>> xs[:, 0], targets[:, 0]
    (array([7, 6, 5, 3, 3, 1]), array([0, 0, 7, 6, 5, 3]))
    """
    _check_sizes(batch=batch, length=length, symbols=symbols)
    if not 0 <= delay <= length:
        raise ValueError(f"delay is {delay}; expected 0 to length = {length}: a later echo is never heard.")
    xs = rng.integers(1, symbols + 1, size=(length, batch))
    targets = np.zeros_like(xs)
    targets[delay:] = xs[: length - delay]
    return xs, targets


def adding_problem(rng, *, batch, length):
    """Add the two marked numbers, one in each half of the sequence.

    Always answering 1 has a mean squared error of 1/6: a model that does not beat it has remembered nothing.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, length : int
        B and T, T at least 2.

    Returns
    -------
    xs : (T, B, 2) array
        ``xs[..., 0]`` is uniform between 0 and 1; ``xs[..., 1]`` is 1 at the two marked steps, else 0.
    total : (B,) array
        Sum of the two marked numbers.

    Examples
    --------
    >>> xs, total = adding_problem(np.random.default_rng(0), batch=1, length=4)
    >>> xs[:, 0].round(2)
    array([[0.64, 1.  ],
           [0.27, 0.  ],
           [0.04, 0.  ],
           [0.02, 1.  ]])
    >>> total.round(2)
    array([0.65])
    """
    _check_sizes(batch=batch, length=length)
    if length < 2:
        raise ValueError(f"length is {length}; expected at least 2: two numbers must be marked.")
    xs = np.zeros((length, batch, 2))
    xs[..., 0] = rng.uniform(size=(length, batch))
    columns = np.arange(batch)
    for start, stop in ((0, length // 2), (length // 2, length)):
        xs[rng.integers(start, stop, size=batch), columns, 1] = 1.0
    return xs, (xs[..., 0] * xs[..., 1]).sum(axis=0)


def recall(rng, *, batch, gap, facts=8, distractors=8):
    """A fact, a gap of distractors, then a question: which fact was it?

    Guessing is right once in `facts` times. Everything between the first and the last step is noise that
    a model must carry the fact across.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, gap : int
        B and the number of distractors, which may be 0; T = gap + 2.
    facts, distractors : int
        How many different ones: V = facts + distractors + 1.

    Returns
    -------
    xs : (T, B) array of int
        First step: a fact, 0 to facts - 1. Then distractors, facts to facts + distractors - 1. Last step: the
        question, always V - 1.
    answer : (B,) array of int
        The fact.

    Examples
    --------
    >>> xs, answer = recall(np.random.default_rng(0), batch=1, gap=4)
    >>> xs[:, 0], answer
    (array([ 6, 13, 12, 10, 10, 16]), array([6]))
    """
    _check_sizes(batch=batch, facts=facts, distractors=distractors)
    if gap < 0:
        raise ValueError(f"gap is {gap}; expected 0 or more distractors between fact and question.")
    answer = rng.integers(facts, size=batch)
    noise = rng.integers(facts, facts + distractors, size=(gap, batch))
    question = np.full((1, batch), facts + distractors)
    return np.concatenate([answer[None], noise, question]), answer


def damped_sine(rng, *, batch, length, noise=0.0):
    r"""Swings that die away: :math:`x_t = e^{-t/\tau} \sin(2\pi t / p + \varphi)`, to be forecast.

    Each sequence draws its own period p (10 to 30 steps), decay time τ (30 to 100 steps) and phase φ.
    Without noise, :math:`x_t = 2 e^{-1/\tau} \cos(2\pi / p)\, x_{t-1} - e^{-2/\tau} x_{t-2}`: once p and τ
    are known, two values tell the next.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, length : int
        B and T.
    noise : float
        Standard deviation of normal noise added to every value.

    Returns
    -------
    xs : (T, B, 1) array
        Inputs are ``xs[:-1]``, one-step targets ``xs[1:]``.

    Examples
    --------
    >>> damped_sine(np.random.default_rng(0), batch=1, length=5)[:, 0, 0].round(3)
    array([0.255, 0.498, 0.695, 0.832, 0.902])
    """
    _check_sizes(batch=batch, length=length)
    if noise < 0:
        raise ValueError(f"noise is {noise}; expected a standard deviation, 0 or more.")
    period = rng.uniform(10, 30, size=batch)
    decay_time = rng.uniform(30, 100, size=batch)
    phase = rng.uniform(0, 2 * np.pi, size=batch)
    t = np.arange(length)[:, None]
    xs = np.exp(-t / decay_time) * np.sin(2 * np.pi * t / period + phase)
    return (xs + noise * rng.normal(size=xs.shape))[..., None]


def planted_digit(text, rng, *, batch, length, positions):
    """Windows of real text, each with one digit planted in it: which digit was it?

    The text is lower-cased and every run of characters other than a to z becomes one space, so the planted
    digit is the only one. Guessing is right one time in ten. With `positions` near the start, in the middle
    or near the end of the window, the task tells how long a model remembers one odd symbol among real ones.

    Parameters
    ----------
    text : str
        At least `length` characters once cleaned; ``load("pride-prejudice")`` will do.
    rng : numpy.random.Generator
    batch, length : int
        B and T.
    positions : int or sequence of int
        Steps at which the digit may stand, each equally likely; 0 is the first.

    Returns
    -------
    codes : (T, B) array of int
        Indices into `ALPHABET`: 0 is the space, 1 to 26 the letters a to z, 27 to 36 the digits 0 to 9;
        V = 37.
    digit : (B,) array of int
        0 to 9; stands in `codes` as ``27 + digit``.
    position : (B,) array of int
        The step at which it stands.

    Examples
    --------
    >>> text = "It is a truth universally acknowledged"
    >>> codes, digit, position = planted_digit(
    ...     text, np.random.default_rng(3), batch=2, length=12, positions=range(2, 5)
    ... )
    >>> ["".join(ALPHABET[code] for code in window) for window in codes.T]
    ['al1y acknowl', ' is 2 truth ']
    >>> digit, position
    (array([1, 2]), array([2, 4]))
    """
    _check_sizes(batch=batch, length=length)
    letters = _letter_codes(text)
    if len(letters) < length:
        raise ValueError(
            f"the text has {len(letters)} letters and spaces; expected at least length = {length}. "
            "Take a longer text or shorter windows."
        )
    positions = np.atleast_1d(np.asarray(positions))
    if positions.ndim != 1 or positions.size == 0 or not np.issubdtype(positions.dtype, np.integer):
        raise ValueError(f"positions is {positions!r}; expected one or more steps, such as range(3, 10).")
    if positions.min() < 0 or positions.max() >= length:
        raise ValueError(
            f"positions run from {positions.min()} to {positions.max()}; "
            f"expected steps from 0 to length - 1 = {length - 1}."
        )
    starts = rng.integers(len(letters) - length + 1, size=batch)
    digit = rng.integers(10, size=batch)
    position = rng.choice(positions, size=batch)
    codes = letters[starts + np.arange(length)[:, None]]
    codes[position, np.arange(batch)] = ALPHABET.index("0") + digit
    return codes, digit, position


# A training loop asks for many batches of the same text; cleaning a novel takes longer than drawing one.
@lru_cache(maxsize=4)
def _letter_codes(text):
    cleaned = re.sub("[^a-z]+", " ", text.lower())
    code_of_byte = np.zeros(256, dtype=np.int64)
    code_of_byte[list(ALPHABET.encode())] = np.arange(len(ALPHABET))
    codes = code_of_byte[np.frombuffer(cleaned.encode(), dtype=np.uint8)]
    codes.flags.writeable = False  # shared between calls through the cache
    return codes


def _check_sizes(**sizes):
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; expected at least 1.")
