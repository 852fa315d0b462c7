"""Tokens: the pieces of text that a model reads one at a time.

Leaves out subwords and sentence splitting. Scripts that write vowels as combining marks (Hindi among
them) need another pattern: here a mark would be torn from its letter.
"""

import re


def tokenize(text, *, lower=False):
    """Split text into words and punctuation marks.

    A word is a run of letters and digits; an apostrophe between two of them belongs to it. Every other
    character that is not white space is a token of its own. White space only separates.

    Parameters
    ----------
    text : str
    lower : bool
        Lower-case the text first.

    Returns
    -------
    list of str

    Examples
    --------
    >>> tokenize("Don't stop: the dogs' bowl is empty!")
    ["Don't", 'stop', ':', 'the', 'dogs', "'", 'bowl', 'is', 'empty', '!']
    >>> tokenize("A well-known fact -- in 1813.", lower=True)
    ['a', 'well', '-', 'known', 'fact', '-', '-', 'in', '1813', '.']
    """
    check_text(text)
    # Python counts "_" as part of a word; typed copies of books put it around italics, so here it is punctuation.
    word = r"[^\W_]+(?:['’][^\W_]+)*"
    return re.findall(rf"{word}|[^\w\s]|_", text.lower() if lower else text)


def tokenize_characters(text, *, lower=False):
    """Split text into its characters, white space included.

    Parameters
    ----------
    text : str
    lower : bool
        Lower-case the text first.

    Returns
    -------
    list of str

    Examples
    --------
    >>> tokenize_characters("A cat", lower=True)
    ['a', ' ', 'c', 'a', 't']
    """
    check_text(text)
    return list(text.lower() if lower else text)


def check_text(text):
    """Refuse with TypeError what is not one string."""
    if not isinstance(text, str):
        raise TypeError(
            f"text is of type {type(text).__name__}; expected one string. "
            "Read files in text mode, and tokenise one text at a time."
        )
