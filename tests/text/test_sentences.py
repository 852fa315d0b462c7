"""Sentences are split where a reader would."""

import pytest

from course_lib import data
from course_lib.text import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("A line\nbreak is a space. So\n  are many.", ["A line break is a space.", "So are many."]),
        ("No mark\n\nbut an empty line", ["No mark", "but an empty line"]),
        ('"Go!" he said. "Now." She went.', ['"Go!" he said.', '"Now."', "She went."]),
        ("He (who knew?) went. (She stayed.) Then", ["He (who knew?) went.", "(She stayed.)", "Then"]),
        ("Mr. and Mrs. Long met Col. F. and St. James.", ["Mr. and Mrs. Long met Col. F. and St. James."]),
        ("It cost 3.50 pounds. 1813 was dear.", ["It cost 3.50 pounds. 1813 was dear."]),
        ("It was from Mr.", ["It was from Mr."]),
        ("the e.g. of it. and more", ["the e.g. of it. and more"]),
    ],
)
def test_a_sentence_ends_where_a_capital_follows_a_mark(text, sentences):
    assert split_sentences(text) == sentences


def test_nothing_of_a_novel_is_lost_but_white_space():
    novel = data.load("pride-prejudice")
    sentences = split_sentences(novel)
    assert "".join("".join(sentences).split()) == "".join(novel.split())
    assert (
        "It is a truth universally acknowledged, that a single man in possession of a good fortune, "
        "must be in want of a wife." in sentences
    )
    assert 5500 < len(sentences) < 6500
