"""Tokens lose nothing but white space, and words keep their apostrophes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.text import tokenize, tokenize_characters


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t ", []),
        ("not seen is good", ["not", "seen", "is", "good"]),
        ("Bad in science, good at math.", ["Bad", "in", "science", ",", "good", "at", "math", "."]),
        ("o'clock isn’t", ["o'clock", "isn’t"]),
        ("rock 'n' roll's", ["rock", "'", "n", "'", "roll's"]),
        ("'tis the dogs'", ["'", "tis", "the", "dogs", "'"]),
        ("fo'c's'le", ["fo'c's'le"]),
        ("a''b", ["a", "'", "'", "b"]),
        ("_You_ want...", ["_", "You", "_", "want", ".", ".", "."]),
        ("3.5 in 2015", ["3", ".", "5", "in", "2015"]),
        ("café naïve über", ["café", "naïve", "über"]),
    ],
)
def test_a_text_worked_by_hand(text, tokens):
    assert tokenize(text) == tokens


@given(st.text())
def test_tokens_joined_are_the_text_without_white_space(text):
    assert "".join(tokenize(text)) == re.sub(r"\s", "", text)


@given(st.text(alphabet="ab'’_. -\n7"))
def test_a_token_is_a_word_or_one_other_character(text):
    for token in tokenize(text):
        assert len(token) == 1 or all(part.isalnum() for part in re.split("['’]", token)), token


@given(st.text())
def test_words_part_where_white_space_stands(text):
    assert tokenize(text) == [token for piece in text.split() for token in tokenize(piece)]


@given(st.text())
def test_lower_is_the_same_as_lower_casing_the_text_first(text):
    assert tokenize(text, lower=True) == tokenize(text.lower())
    assert tokenize_characters(text, lower=True) == tokenize_characters(text.lower())


def test_case_is_kept_unless_asked_otherwise():
    assert tokenize("The Cat") == ["The", "Cat"]
    assert tokenize("The Cat", lower=True) == ["the", "cat"]


@given(st.text())
def test_character_tokens_are_single_and_join_to_the_text(text):
    tokens = tokenize_characters(text)
    assert "".join(tokens) == text
    assert all(len(token) == 1 for token in tokens)


@pytest.mark.parametrize("split", [tokenize, tokenize_characters])
@pytest.mark.parametrize("text", [b"bytes", ["a list"], None])
def test_what_is_not_a_string_is_refused(split, text):
    with pytest.raises(TypeError, match=f"text is of type {type(text).__name__}; expected one string"):
        split(text)
