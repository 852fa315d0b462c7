"""The vocabulary: which tokens a model knows, and the index of each.

Leaves out word vectors; an index is a name, and nothing follows from two indices being close.
"""

import operator
from collections import Counter

PAD, UNK, SOS, EOS = "<PAD>", "<UNK>", "<SOS>", "<EOS>"
SPECIALS = (PAD, UNK, SOS, EOS)
"""Padding 0, a token the vocabulary does not know 1, start 2 and end 3 of a sequence."""


class Vocabulary:
    """Tokens numbered 0 to V - 1: specials first, then by falling frequency, ties in alphabetical order.

    Parameters
    ----------
    tokens : list of str
        The text to count, one token after another.
    max_size : int, optional
        Largest V, the four specials included. The most frequent tokens stay.
    min_count : int
        Tokens seen less often are left out.

    Attributes
    ----------
    tokens : tuple of str
        The token of each index.
    indices : dict
        The index of each token.

    Examples
    --------
    >>> vocab = Vocabulary("the cat sat on the mat".split())
    >>> vocab.tokens
    ('<PAD>', '<UNK>', '<SOS>', '<EOS>', 'the', 'cat', 'mat', 'on', 'sat')
    >>> vocab.encode(["the", "dog", "sat"])
    [4, 1, 8]
    >>> vocab.decode([4, 1, 8])
    ['the', '<UNK>', 'sat']
    >>> len(vocab), "dog" in vocab
    (9, False)
    """

    def __init__(self, tokens, *, max_size=None, min_count=1):
        self._check_tokens(tokens)
        if max_size is not None and max_size < len(SPECIALS):
            raise ValueError(f"max_size is {max_size}; expected at least {len(SPECIALS)}, for the specials.")
        counts = Counter(tokens)
        for special in SPECIALS:
            del counts[special]  # it has its place already
        kept = [token for token, count in counts.items() if count >= min_count]
        kept.sort(key=lambda token: (-counts[token], token))
        self._number([*SPECIALS, *kept][:max_size])

    @classmethod
    def from_list(cls, tokens):
        """A vocabulary of just these tokens, in this order; no specials but the ones listed.

        Without ``<UNK>`` among them, `encode` refuses a token that it does not know.

        Parameters
        ----------
        tokens : list of str
            All different.

        Returns
        -------
        Vocabulary

        Examples
        --------
        >>> toy = Vocabulary.from_list("a the on is cat dog sat mat grass .".split())
        >>> toy.encode("a cat is on the grass".split())
        [0, 4, 3, 2, 1, 8]
        """
        cls._check_tokens(tokens)
        vocab = cls.__new__(cls)
        vocab._number(tokens)
        return vocab

    def _number(self, tokens):
        self.tokens = tuple(tokens)
        self.indices = {}
        for index, token in enumerate(self.tokens):
            if not isinstance(token, str):
                raise TypeError(f"token {index} is {token!r}; expected a string.")
            if token in self.indices:
                raise ValueError(
                    f"token {token!r} stands at {self.indices[token]} and at {index}; "
                    "expected every token once. To count the tokens of a text, use Vocabulary(tokens)."
                )
            self.indices[token] = index

    def encode(self, tokens):
        """Indices of the tokens; the index of ``<UNK>`` for those not in the vocabulary.

        Parameters
        ----------
        tokens : list of str

        Returns
        -------
        list of int
        """
        self._check_tokens(tokens)
        unknown = self.indices.get(UNK)
        indices = []
        for token in tokens:
            index = self.indices.get(token, unknown)
            if index is None:
                raise ValueError(
                    f"token {token!r} is not among the {len(self)} of this vocabulary, which has no {UNK} "
                    f"to stand for it. List {UNK} when you build the vocabulary, or leave the token out."
                )
            indices.append(index)
        return indices

    def decode(self, indices):
        """Tokens of the indices, specials included.

        Parameters
        ----------
        indices : iterable of int
            Each from 0 to V - 1.

        Returns
        -------
        list of str
        """
        tokens = []
        for index in indices:
            try:
                index = operator.index(index)
            except TypeError:
                raise TypeError(
                    f"index {index!r} is of type {type(index).__name__}; expected a whole number. "
                    "Decode one sequence at a time: column b of a (T, B) array is indices[:, b]."
                ) from None
            # Python would take -1 for the last token, and a slip would read as text.
            if not 0 <= index < len(self):
                raise ValueError(f"index {index} stands for no token; expected 0 to V - 1 = {len(self) - 1}.")
            tokens.append(self.tokens[index])
        return tokens

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self.indices

    def __repr__(self):
        shown = ", ".join(repr(token) for token in self.tokens[:6])
        return f"<Vocabulary of {len(self)} tokens: {shown}{', ...' if len(self) > 6 else ''}>"

    @staticmethod
    def _check_tokens(tokens):
        # A string is an iterable of its characters, so this slip would pass and every word would be lost.
        if isinstance(tokens, str):
            raise TypeError(
                f"tokens is the string {tokens[:20]!r}; expected a list of tokens. "
                "Split it first, with tokenize(text) or tokenize_characters(text)."
            )
