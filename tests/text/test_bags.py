"""A bag counts every token once and forgets where it stood."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import bag_of_words, one_hot

SENTENCES = st.lists(st.integers(0, 5), max_size=12)


@given(SENTENCES)
def test_a_bag_agrees_with_counting_each_token(sentence):
    assert bag_of_words(sentence, 7).tolist() == [sentence.count(v) for v in range(7)]


@given(SENTENCES)
def test_a_bag_is_the_sum_of_the_one_hot_rows(sentence):
    np.testing.assert_array_equal(bag_of_words(sentence, 6), one_hot(sentence, 6).sum(axis=0))


@given(SENTENCES, st.randoms())
def test_mirrored_sentences_have_one_bag(sentence, random):
    shuffled = random.sample(sentence, len(sentence))
    np.testing.assert_array_equal(bag_of_words(shuffled, 6), bag_of_words(sentence, 6))


@pytest.mark.parametrize("index", [-1, 4])
def test_an_index_outside_the_vocabulary_is_refused(index):
    with pytest.raises(ValueError, match=r"expected 0 to V - 1 = 3"):
        bag_of_words([0, index], 4)


def test_what_is_not_one_sequence_of_indices_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 1\); expected \(T,\)"):
        bag_of_words([[0], [1]], 4)
    with pytest.raises(TypeError, match="expected integers"):
        bag_of_words([0.0, 1.0], 4)
