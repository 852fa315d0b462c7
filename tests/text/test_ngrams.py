"""Counts agree with looking at every place of the text; probabilities add up to 1."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import context_counts, ngram_counts, ngram_probability

VOCABULARY = "abc"
TEXTS = st.lists(st.sampled_from(VOCABULARY), max_size=20)
ORDERS = st.integers(1, 4)


@given(TEXTS, ORDERS)
def test_counts_agree_with_looking_at_every_place(text, n):
    counts = ngram_counts(text, n)
    for ngram in itertools.product(VOCABULARY, repeat=n):
        places = [start for start in range(len(text)) if tuple(text[start : start + n]) == ngram]
        assert counts[ngram] == len(places)
    assert counts.total() == max(0, len(text) - n + 1)


@given(TEXTS, TEXTS)
def test_added_counts_hold_no_run_across_two_sentences(first, second):
    added = ngram_counts(first, 2) + ngram_counts(second, 2)
    joined = ngram_counts([*first, "|", *second], 2)
    assert added == Counter({ngram: count for ngram, count in joined.items() if "|" not in ngram})


@given(TEXTS, ORDERS, st.sampled_from([0.01, 0.5, 1.0]))
def test_probabilities_after_any_context_add_up_to_one(text, n, k):
    counts = ngram_counts(text, n)
    contexts = context_counts(counts)
    for context in itertools.product(VOCABULARY, repeat=n - 1):
        total = sum(ngram_probability((*context, w), counts, contexts, V=3, k=k) for w in VOCABULARY)
        assert math.isclose(total, 1.0)


@given(TEXTS, ORDERS)
def test_without_smoothing_it_is_the_share_among_what_followed(text, n):
    counts = ngram_counts(text, n)
    contexts = context_counts(counts)
    for ngram in counts:
        places = range(n - 1, len(text))
        followers = [text[t] for t in places if tuple(text[t - n + 1 : t]) == ngram[:-1]]
        expected = followers.count(ngram[-1]) / len(followers)
        assert ngram_probability(ngram, counts, contexts, V=3, k=0) == expected


def test_add_one_worked_by_hand():
    # "b" is followed by a, a and c; V = 4: (2 + 1) / (3 + 4)
    counts = ngram_counts(["b", "a", "b", "a", "b", "c"], 2)
    contexts = context_counts(counts)
    assert ngram_probability(("b", "a"), counts, contexts, V=4) == 3 / 7
    assert ngram_probability(("b", "d"), counts, contexts, V=4) == 1 / 7
    assert ngram_probability(("d", "a"), counts, contexts, V=4) == 1 / 4


def test_the_last_token_of_the_text_is_no_context():
    counts = ngram_counts(["a", "b", "a"], 2)
    assert context_counts(counts) == {("a",): 1, ("b",): 1}


def test_asking_changes_no_count():
    counts = ngram_counts(["a", "b", "a"], 2)
    contexts = context_counts(counts)
    before = dict(counts), dict(contexts)
    ngram_probability(("c", "c"), counts, contexts, V=3)
    assert (dict(counts), dict(contexts)) == before


def test_much_smoothing_makes_all_tokens_alike():
    counts = ngram_counts(["a", "b", "a", "b", "a", "b"], 2)
    contexts = context_counts(counts)
    assert ngram_probability(("a", "b"), counts, contexts, V=5, k=1e9) == pytest.approx(1 / 5)


def test_an_unseen_context_without_smoothing_is_refused():
    counts = ngram_counts(["a", "b"], 2)
    with pytest.raises(ValueError, match=r"the context \('c',\) was never seen, so with k = 0"):
        ngram_probability(("c", "a"), counts, context_counts(counts), V=3, k=0)


def test_an_ngram_of_another_length_than_counted_is_refused():
    counts = ngram_counts(["a", "b", "c"], 2)
    with pytest.raises(ValueError, match=r"has 3 tokens; expected 2, as in the counts"):
        ngram_probability(("a", "b", "c"), counts, context_counts(counts), V=3)


@pytest.mark.parametrize(("V", "k"), [(3, -1), (0, 1)])
def test_impossible_smoothing_is_refused(V, k):
    counts = ngram_counts(["a", "b"], 2)
    with pytest.raises(ValueError, match=f"k is {k} and V is {V}"):
        ngram_probability(("a", "b"), counts, context_counts(counts), V=V, k=k)


def test_strings_in_place_of_tokens_are_refused():
    with pytest.raises(TypeError, match="tokens is the string 'a rose'"):
        ngram_counts("a rose", 2)
    with pytest.raises(TypeError, match="ngram is the string 'ab'"):
        ngram_probability("ab", Counter(), Counter(), V=2)


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="n is 0; expected at least 1"):
        ngram_counts(["a"], 0)
