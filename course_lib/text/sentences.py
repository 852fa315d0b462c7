"""Sentences: where one ends, by its punctuation.

Good enough for printed English prose. Leaves out what needs knowledge: abbreviations that are not listed, and ends
without a mark.
"""

import re

# What ends with a full stop and seldom ends a sentence; so do single initials.
_TITLES = "Mr Mrs Ms Dr St Esq Rev Col Capt Gen Prof"
_MONTHS = "Jan Feb Aug Sept Oct Nov Dec"
ABBREVIATIONS = frozenset(f"{word}." for word in f"{_TITLES} {_MONTHS}".split())

# A space after a closing mark (and a closing quote), if a capital follows (or a quote and a capital).
_BREAK = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')])) (?=[\"'(]?[A-Z])")
_INITIAL = re.compile(r"[A-Z]\.")


def split_sentences(text):
    r"""Split prose into sentences, each on one line.

    An empty line always ends a sentence; a line break is a space. Inside a paragraph a sentence ends after a full
    stop, an exclamation or a question mark, with a quotation mark after it or not, if a capital follows; but not after
    an abbreviation or a single initial.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> split_sentences('"Is he\nmarried?" said Mr. Bennet. "Oh! Single, my dear!"\n\nChapter 2')
    ['"Is he married?" said Mr. Bennet.', '"Oh!', 'Single, my dear!"', 'Chapter 2']
    """
    sentences = []
    for paragraph in re.split(r"\n\s*\n", text):
        begun = ""
        for piece in _BREAK.split(" ".join(paragraph.split())):
            begun = f"{begun} {piece}".strip()
            last = begun.rsplit(" ", 1)[-1].lstrip("\"'(")
            if last not in ABBREVIATIONS and not _INITIAL.fullmatch(last):
                sentences.append(begun)
                begun = ""
        if begun:
            sentences.append(begun)
    return [sentence for sentence in sentences if sentence]
