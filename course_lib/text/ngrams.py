"""n-grams: the language model that only counts, and that a network must beat.

The probability of a token given the n - 1 before it is estimated by how often they occurred together.
Finer smoothing than adding a constant is in :mod:`course_lib.text.ngram_models`.
"""

from collections import Counter


def ngram_counts(tokens, n):
    """Count the runs of n tokens.

    Counts of several sentences are added, so that no run straddles two of them:
    ``sum((ngram_counts(s, 2) for s in sentences), Counter())``.

    Parameters
    ----------
    tokens : sequence of str or int
    n : int
        Length of a run: 1 for single tokens, 2 for pairs.

    Returns
    -------
    collections.Counter
        From tuples of n tokens to counts; a run never seen counts 0.

    Examples
    --------
    >>> counts = ngram_counts("a rose is a rose".split(), 2)
    >>> counts["a", "rose"], counts["is", "a"], counts["rose", "a"]
    (2, 1, 0)
    """
    if isinstance(tokens, str):
        raise TypeError(
            f"tokens is the string {tokens[:20]!r}; expected a list of tokens. "
            "Split it first, with tokenize(text) or tokenize_characters(text)."
        )
    if n < 1:
        raise ValueError(f"n is {n}; expected at least 1.")
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))


def context_counts(counts):
    """How often each context was followed by any token: n-gram counts summed over their last token.

    Counting runs of n - 1 tokens instead would also count the one at the end of the text, which nothing
    follows, and the probabilities after it would not add up to 1.

    Parameters
    ----------
    counts : collections.Counter
        From `ngram_counts`.

    Returns
    -------
    collections.Counter
        From tuples of n - 1 tokens to counts; of single tokens, ``()`` counts them all.

    Examples
    --------
    >>> context_counts(ngram_counts("a rose is a rose".split(), 2))
    Counter({('a',): 2, ('rose',): 1, ('is',): 1})
    """
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[:-1]] += count
    return contexts


def ngram_probability(ngram, counts, contexts, *, V, k=1.0):
    r"""Probability of an n-gram's last token given the ones before it, with add-k smoothing.

    .. math:: P(w \mid c) = \frac{\mathrm{count}(c\,w) + k}{\mathrm{count}(c) + k V}

    Every token is counted k times more than it was seen, so that one never seen after this context keeps
    a chance.

    Parameters
    ----------
    ngram : tuple of n tokens
        The context c, then the token w.
    counts : collections.Counter
        From `ngram_counts`, with the same n.
    contexts : collections.Counter
        ``context_counts(counts)``.
    V : int
        Vocabulary size: how many tokens may follow.
    k : float
        0 is the plain relative frequency.

    Returns
    -------
    float

    Examples
    --------
    After "a" came "rose", twice of twice; the vocabulary is {a, is, rose}.

    >>> counts = ngram_counts("a rose is a rose".split(), 2)
    >>> contexts = context_counts(counts)
    >>> ngram_probability(("a", "rose"), counts, contexts, V=3, k=0)
    1.0
    >>> ngram_probability(("a", "rose"), counts, contexts, V=3)
    0.6
    >>> ngram_probability(("a", "is"), counts, contexts, V=3)
    0.2
    """
    if isinstance(ngram, str):
        raise TypeError(f"ngram is the string {ngram!r}; expected a tuple of tokens, such as ('a', 'rose').")
    ngram = tuple(ngram)
    n = len(next(iter(counts), ngram))
    if len(ngram) != n:
        raise ValueError(f"ngram {ngram!r} has {len(ngram)} tokens; expected {n}, as in the counts.")
    if k < 0 or V < 1:
        raise ValueError(f"k is {k} and V is {V}; expected k of at least 0 and V of at least 1.")
    seen = contexts[ngram[:-1]] + k * V
    if seen == 0:
        raise ValueError(
            f"the context {ngram[:-1]!r} was never seen, so with k = 0 no probability is defined. "
            "Smooth with k > 0, or fall back on a shorter context."
        )
    return (counts[ngram] + k) / seen
