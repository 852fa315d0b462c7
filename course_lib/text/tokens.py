"""Tokens: the pieces of text that a model reads one at a time.

Leaves out subwords and sentence splitting. Scripts that write vowels as combining marks (Hindi among
them) need another pattern: here a mark would be torn from its letter.
"""

import re

# A word: letters and digits, and an apostrophe only between them. Python counts "_" as part of a word;
# books print it around italics, so here it is punctuation.
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")


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
    _check_text(text)
    return _TOKEN.findall(text.lower() if lower else text)


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
    _check_text(text)
    return list(text.lower() if lower else text)


def _check_text(text):
    if not isinstance(text, str):
        raise TypeError(
            f"text is of type {type(text).__name__}; expected one string. "
            "Read files in text mode, and tokenise one text at a time."
        )
