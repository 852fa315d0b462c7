"""A vocabulary numbers tokens in a fixed order and finds the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import EOS, PAD, SOS, UNK, Vocabulary, tokenize

WORDS = st.text(alphabet="abcd", min_size=1, max_size=2)
TEXTS = st.lists(WORDS, max_size=40)


def test_the_specials_have_the_first_four_indices():
    assert Vocabulary([]).encode([PAD, UNK, SOS, EOS]) == [0, 1, 2, 3]


def test_frequent_tokens_come_first_and_ties_in_alphabetical_order():
    vocab = Vocabulary(["b", "c", "a", "c", "b", "c", "d"])
    assert vocab.tokens[4:] == ("c", "b", "a", "d")


@given(TEXTS, st.randoms())
def test_the_order_of_the_text_does_not_matter(text, random):
    shuffled = random.sample(text, len(text))
    assert Vocabulary(shuffled).tokens == Vocabulary(text).tokens


@given(TEXTS)
def test_decoding_undoes_encoding_for_tokens_that_were_counted(text):
    vocab = Vocabulary(text)
    assert vocab.decode(vocab.encode(text)) == text


@given(TEXTS)
def test_encoding_undoes_decoding(text):
    vocab = Vocabulary(text)
    assert vocab.encode(vocab.decode(range(len(vocab)))) == list(range(len(vocab)))


@given(TEXTS, TEXTS)
def test_an_unknown_token_becomes_unk_and_nothing_else_does(text, other):
    vocab = Vocabulary(text)
    assert vocab.decode(vocab.encode(other)) == [token if token in text else UNK for token in other]


@given(TEXTS, st.integers(1, 4))
def test_min_count_keeps_just_the_tokens_seen_often_enough(text, min_count):
    kept = {token for token in text if text.count(token) >= min_count}
    assert set(Vocabulary(text, min_count=min_count).tokens[4:]) == kept


@given(TEXTS, st.integers(4, 12))
def test_max_size_counts_the_specials_and_keeps_the_front(text, max_size):
    whole, cut = Vocabulary(text), Vocabulary(text, max_size=max_size)
    assert cut.tokens == whole.tokens[:max_size]


def test_a_special_in_the_text_keeps_its_index():
    vocab = Vocabulary([EOS, "a", EOS, EOS])
    assert vocab.tokens == (PAD, UNK, SOS, EOS, "a")


def test_length_and_membership():
    vocab = Vocabulary(["the", "cat"])
    assert len(vocab) == 6
    assert "cat" in vocab and UNK in vocab
    assert "dog" not in vocab


def test_tokens_may_come_from_a_generator():
    assert Vocabulary(token for token in ["b", "a", "b"]).tokens[4:] == ("b", "a")


def test_the_ten_word_toy_vocabulary():
    toy = Vocabulary.from_list(["a", "the", "on", "is", "cat", "dog", "sat", "mat", "grass", "."])
    assert len(toy) == 10
    assert toy.encode(tokenize("a cat is on the grass")) == [0, 4, 3, 2, 1, 8]
    assert toy.decode([0, 4, 3, 2, 1, 8]) == ["a", "cat", "is", "on", "the", "grass"]


def test_a_listed_unk_stands_for_unknown_tokens():
    assert Vocabulary.from_list(["a", UNK]).encode(["z", "a"]) == [1, 0]


def test_without_unk_an_unknown_token_is_refused():
    with pytest.raises(ValueError, match="'zebra' is not among the 2 of this vocabulary, which has no <UNK>"):
        Vocabulary.from_list(["a", "b"]).encode(["a", "zebra"])


def test_a_list_with_a_token_twice_is_refused():
    with pytest.raises(ValueError, match="token 'a' stands at 0 and at 2"):
        Vocabulary.from_list(["a", "b", "a"])


def test_indices_may_be_numpy_integers():
    vocab = Vocabulary.from_list(["a", "b", "c"])
    assert vocab.decode(np.array([2, 0], dtype=np.int32)) == ["c", "a"]


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_out_of_range_is_refused(index):
    with pytest.raises(ValueError, match=f"index {index} stands for no token; expected 0 to V - 1 = 2"):
        Vocabulary.from_list(["a", "b", "c"]).decode([0, index])


@pytest.mark.parametrize("indices", [[1.0], np.zeros((2, 2), dtype=int), ["a"]])
def test_what_is_no_index_is_refused(indices):
    with pytest.raises(TypeError, match="expected a whole number"):
        Vocabulary.from_list(["a", "b", "c"]).decode(indices)


@pytest.mark.parametrize("use", [Vocabulary, Vocabulary.from_list, Vocabulary(["a"]).encode])
def test_a_string_in_place_of_tokens_is_refused(use):
    with pytest.raises(TypeError, match="tokens is the string 'a cat'; expected a list of tokens"):
        use("a cat")


def test_a_token_that_is_no_string_is_refused():
    with pytest.raises(TypeError, match="token 1 is 7; expected a string"):
        Vocabulary.from_list(["a", 7])


def test_a_size_too_small_for_the_specials_is_refused():
    with pytest.raises(ValueError, match="max_size is 3; expected at least 4"):
        Vocabulary(["a"], max_size=3)


def test_its_representation_shows_the_first_tokens():
    assert repr(Vocabulary.from_list(["a", "b"])) == "<Vocabulary of 2 tokens: 'a', 'b'>"
    assert repr(Vocabulary(["a", "b", "c"])).endswith("'a', 'b', ...>")
