"""Kneser-Ney against its definition written out with dictionaries, and against what it must satisfy."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import data
from course_lib.text import KneserNey, Vocabulary, context_counts, ngram_counts, ngram_probability, tokenize

V = 3
TEXTS = st.lists(st.integers(0, V - 1), min_size=1, max_size=25)
ORDERS = st.integers(1, 4)


def by_definition(text, order):
    """Return the probability of a token after a context, straight from the equation, with dictionaries."""
    start = "start"
    marked = [start] * (order - 1) + list(text)
    seen = {n: Counter(zip(*(marked[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)}
    counts = {order: seen[order]}
    for n in range(1, order):
        counts[n] = Counter(run[1:] for run in seen[n + 1])  # different tokens before each run
    counts = {n: {run: c for run, c in counts[n].items() if run[-1] != start} for n in counts}

    def probability(token, context, n):
        if n == 0:
            return 1 / V
        c = tuple(context)[len(context) - (n - 1) :]
        shorter = probability(token, context, n - 1)
        after = {run: count for run, count in counts[n].items() if run[:-1] == c}
        if not after:
            return shorter
        once, twice = (sum(count == k for count in counts[n].values()) for k in (1, 2))
        d = once / (once + 2 * twice) if once and twice else 0.5
        total = sum(after.values())
        return max(after.get((*c, token), 0) - d, 0) / total + d * len(after) / total * shorter

    return lambda token, context: probability(token, [start] * (order - 1) + list(context), order)


@given(TEXTS, ORDERS, TEXTS)
def test_probabilities_are_those_of_the_definition(text, order, other):
    model, expected = KneserNey(order, V).fit(text), by_definition(text, order)
    log_p = [math.log(expected(token, other[:t])) for t, token in enumerate(other)]
    np.testing.assert_allclose(model.log_probabilities(other), log_p, rtol=1e-12)
    np.testing.assert_allclose(model.next_probabilities(other), [expected(w, other) for w in range(V)], rtol=1e-12)


@given(TEXTS, st.integers(1, 6), st.lists(st.integers(0, V + 1), max_size=8))
def test_probabilities_of_the_next_token_add_up_to_one_and_none_is_zero(text, order, context):
    p = KneserNey(order, V + 2).fit(text).next_probabilities(context)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p.min() > 0


@given(TEXTS, ORDERS, TEXTS, TEXTS)
def test_a_context_handed_in_is_as_good_as_one_read(text, order, before, after):
    model = KneserNey(order, V).fit(text)
    whole = model.log_probability(before + after)
    assert whole == pytest.approx(model.log_probability(before) + model.log_probability(after, context=before))


def test_a_word_that_follows_only_one_other_is_unlikely_elsewhere():
    text = ["san", "francisco", "san", "francisco", "san", "francisco", "a", "glass", "b", "glass", "c", "glass"]
    vocab = Vocabulary(text)
    model = KneserNey(2, len(vocab)).fit(vocab.encode(text))
    # "glass" and "francisco" occur three times each; after a word never followed by either, history decides.
    p = model.next_probabilities(vocab.encode(["glass"]))
    glass, francisco = vocab.encode(["glass", "francisco"])
    assert p[glass] > 1.5 * p[francisco]


def test_on_a_novel_five_characters_beat_three_and_both_beat_adding_a_constant():
    text = data.load("pride-prejudice")[:120_000]
    vocab = Vocabulary.from_list(sorted(set(text)))
    codes = vocab.encode(list(text))
    train, test = codes[:100_000], codes[100_000:]
    bits = {n: KneserNey(n, len(vocab)).fit(train).bits_per_token(test, train) for n in (3, 5)}
    counts = ngram_counts(train, 5)
    contexts = context_counts(counts)
    runs = zip(*(test[i:] for i in range(5)), strict=False)
    add_k = [-math.log2(ngram_probability(run, counts, contexts, V=len(vocab), k=0.1)) for run in runs]
    assert bits[5] + 0.3 < bits[3] < np.mean(add_k)


def test_words_never_seen_keep_a_chance():
    vocab = Vocabulary(tokenize("the cat sat on the mat ."))
    codes = vocab.encode(tokenize("the cat sat on the mat ."))
    model = KneserNey(3, len(vocab)).fit(codes)
    assert np.isfinite(model.log_probability(vocab.encode(["a", "dog"])))


@pytest.mark.parametrize(("order", "size"), [(0, 3), (2, 0)])
def test_impossible_sizes_are_refused(order, size):
    with pytest.raises(ValueError, match=f"order is {order} and V is {size}"):
        KneserNey(order, size)


def test_what_are_no_tokens_is_refused():
    model = KneserNey(2, 3)
    with pytest.raises(ValueError, match="tokens is empty"):
        model.fit([])
    with pytest.raises(ValueError, match="expected 0 to V - 1 = 2"):
        model.fit([0, 3])
    with pytest.raises(TypeError, match="Encode tokens first"):
        model.fit(["the", "cat"])
