"""Answers to a1-sequences as students might write them: wrong ones, each with its slip's name, and other right ones."""

import math
import re
from collections import Counter, defaultdict

import numpy as np

from tests.wrong_answers import right, wrong

# --- tokenize ---------------------------------------------------------------------------------------------------


@wrong("tokenize", says="should be a token of its own")
def splits_at_white_space_only(text, *, lower=False):
    return (text.lower() if lower else text).split()


@wrong("tokenize", says="should be a token of its own")
def loses_the_marks(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower() if lower else text)


@wrong("tokenize", says="two marks in a row should be two tokens")
def keeps_marks_together(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]+|_", text.lower() if lower else text)


@wrong("tokenize", says="a hyphen is a mark")
def keeps_a_hyphen_in_its_word(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="between two letters should stay in its word")
def parts_at_every_apostrophe(text, *, lower=False):
    return re.findall(r"[^\W_]+|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="the curly apostrophe")
def knows_only_the_straight_apostrophe(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="stands twice in one word")
def allows_one_apostrophe_a_word(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="then a space, is a token of its own")
def keeps_an_apostrophe_at_the_end_of_a_word(text, *, lower=False):
    return re.findall(r"[^\W_](?:[^\W_]|['’])*|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="after a space, is a token of its own")
def keeps_an_apostrophe_before_a_word(text, *, lower=False):
    return re.findall(r"['’]?[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="underscore")
def takes_the_underscore_for_a_letter(text, *, lower=False):
    return re.findall(r"\w+(?:['’]\w+)*|[^\w\s]", text.lower() if lower else text)


@wrong("tokenize", says="underscore")
def loses_the_underscore(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]", text.lower() if lower else text)


@wrong("tokenize", says="beyond a to z")
def knows_only_the_letters_a_to_z(text, *, lower=False):
    return re.findall(r"[A-Za-z0-9]+(?:['’][A-Za-z0-9]+)*|[^A-Za-z0-9\s]", text.lower() if lower else text)


@wrong("tokenize", says="digits")
def takes_digits_for_marks(text, *, lower=False):
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[^\w\s]|_|\d", text.lower() if lower else text)


@wrong("tokenize", says="without lower=True, capitals")
def lower_cases_always(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", text.lower())


@wrong("tokenize", says="with lower=True")
def ignores_lower(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", text)


@wrong("tokenize", says="empty string")
def keeps_the_empty_pieces_of_a_split(text, *, lower=False):
    pieces = re.split(r"\s|([^\w\s'’])", text.lower() if lower else text)
    return [piece for piece in pieces if piece is not None]


@wrong("tokenize", says="white space is in a token")
def takes_white_space_for_a_mark(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|\W|_", text.lower() if lower else text)


@wrong("tokenize", says="Is there a return?")
def prints_the_tokens(text, *, lower=False):
    print(re.findall(r"[^\W_]+|[^\w\s]|_", text))


@wrong("tokenize", says="not a list")
def returns_an_iterator(text, *, lower=False):
    return (match.group() for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", text))


@wrong("tokenize", says="gives only what is in the group")
def returns_only_the_groups(text, *, lower=False):
    return re.findall(r"[^\W_]+(['’][^\W_]+)*|[^\w\s]|_", text.lower() if lower else text)


@wrong("tokenize", says="re.findall gives tuples")
def returns_tuples_of_groups(text, *, lower=False):
    return re.findall(r"([^\W_]+(['’][^\W_]+)*|[^\w\s]|_)", text.lower() if lower else text)


@wrong("tokenize", says="the last word is missing")
def forgets_the_last_word(text, *, lower=False):
    text = text.lower() if lower else text
    tokens, word = [], ""
    for i, c in enumerate(text):
        inside = 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()
        if c.isalnum() or (c in "'’" and inside):
            word += c
            continue
        if word:
            tokens.append(word)
            word = ""
        if not c.isspace():
            tokens.append(c)
    return tokens


@wrong("tokenize", says="tabs too")
def takes_a_tab_for_a_mark(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w \n]|_", text.lower() if lower else text)


@wrong("tokenize", says="what str.lower does")
def folds_the_case(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", text.casefold() if lower else text)


@wrong("tokenize", says="‘ is no apostrophe")
def takes_the_opening_quote_for_an_apostrophe(text, *, lower=False):
    return re.findall(r"[^\W_]+(?:['‘’][^\W_]+)*|[^\w\s]|_", text.lower() if lower else text)


def _walks(text, lower, *, empties=True, asks=True, inside_the_loop=False):
    """One character after another, with a slip for each flag turned round."""
    text = text.lower() if lower else text
    tokens, word = [], ""
    for i, c in enumerate(text):
        if c.isalnum() or (
            c in "'’" and text[i - 1].isalnum() and (not asks or i + 1 < len(text)) and text[i + 1].isalnum()
        ):
            word += c
        else:
            if word:
                tokens.append(word)
                word = "" if empties else word
            if not c.isspace():
                tokens.append(c)
        if inside_the_loop:
            return tokens
    return [*tokens, word] if word else tokens


@wrong("tokenize", says="text[i - 1] is the last character")
def looks_back_past_the_beginning(text, *, lower=False):
    return _walks(text, lower)


@wrong("tokenize", says="nothing follows the last character")
def looks_on_past_the_end(text, *, lower=False):
    return _walks(text, lower, asks=False)


@wrong("tokenize", says="empty it each time")
def never_empties_the_word(text, *, lower=False):
    return _walks(text, lower, empties=False)


@wrong("tokenize", says="is the return inside the loop?")
def returns_after_the_first_character(text, *, lower=False):
    return _walks(text, lower, inside_the_loop=True)


@right("tokenize")
def one_character_at_a_time(text, *, lower=False):
    text = text.lower() if lower else text
    tokens, word = [], ""
    for i, c in enumerate(text):
        inside = 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()
        if c.isalnum() or (c in "'’" and inside):
            word += c
            continue
        if word:
            tokens.append(word)
            word = ""
        if not c.isspace():
            tokens.append(c)
    return [*tokens, word] if word else tokens


@right("tokenize")
def looks_around_the_apostrophe(text, *, lower=False):
    text = text.lower() if lower else text
    letter = r"[^\W_]"
    return [m.group() for m in re.finditer(rf"(?:{letter}|(?<={letter})['’](?={letter}))+|\S", text)]


@right("tokenize")
def splits_first_and_then_looks(text, *, lower=False):
    tokens = []
    for piece in text.split():
        tokens += re.findall(r"(?:[^\W_]+['’])*[^\W_]+|.", piece.lower() if lower else piece)
    return tokens


# --- Vocabulary -------------------------------------------------------------------------------------------------

SPECIALS = ("<PAD>", "<UNK>", "<SOS>", "<EOS>")


class _Given:
    """The parts of the class that students are given, and the three holes as they should be."""

    def __init__(self, tokens, *, max_size=None, min_count=1):
        self._check_tokens(tokens)
        if max_size is not None and max_size < 4:
            raise ValueError("too small")
        counts = Counter(token for token in tokens if token not in SPECIALS)
        kept = sorted((t for t in counts if counts[t] >= min_count), key=lambda t: (-counts[t], t))
        self._number([*SPECIALS, *kept][:max_size])

    @classmethod
    def from_list(cls, tokens):
        cls._check_tokens(tokens)
        vocab = cls.__new__(cls)
        vocab._number(tokens)
        return vocab

    def _number(self, tokens):
        self.tokens = tuple(tokens)
        self.indices = {}
        for index, token in enumerate(self.tokens):
            if token in self.indices:
                raise ValueError("twice")
            self.indices[token] = index

    def encode(self, tokens):
        self._check_tokens(tokens)
        found = [self.indices.get(token, self.indices.get("<UNK>")) for token in tokens]
        if None in found:
            raise ValueError("unknown")
        return found

    def decode(self, indices):
        for index in indices:
            if index < 0 or index >= len(self.tokens):
                raise ValueError("no such index")
        return [self.tokens[index] for index in indices]

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self.indices

    @staticmethod
    def _check_tokens(tokens):
        if isinstance(tokens, str):
            raise TypeError("a string")


def _ranked(tokens, key, **options):
    counts = Counter(tokens)
    for special in SPECIALS:
        del counts[special]
    return sorted(counts, key=lambda token: key(token, counts), **options)


class _Ranks(_Given):
    """Checks what is to be refused, and leaves the list to `listed`."""

    def __init__(self, tokens, *, max_size=None, min_count=1):
        self._check_tokens(tokens)
        if max_size is not None and max_size < 4:
            raise ValueError("too small")
        self._number(self.listed(list(tokens), max_size, min_count))


@wrong("Vocabulary", says="specials are missing")
class LeavesOutTheSpecials(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return _ranked(tokens, lambda t, counts: (-counts[t], t))


@wrong("Vocabulary", says="indices 0 to 3")
class PutsTheSpecialsLast(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*_ranked(tokens, lambda t, counts: (-counts[t], t)), *SPECIALS]


@wrong("Vocabulary", says="indices 0 to 3")
class PutsTheSpecialsInAnotherOrder(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return ["<UNK>", "<PAD>", "<SOS>", "<EOS>", *_ranked(tokens, lambda t, counts: (-counts[t], t))]


@wrong("Vocabulary", says="least frequent tokens come first")
class RanksTheRarestFirst(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *_ranked(tokens, lambda t, counts: (counts[t], t))]


@wrong("Vocabulary", says="alphabetical throughout")
class RanksByTheAlphabet(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *_ranked(tokens, lambda t, counts: t)]


@wrong("Vocabulary", says="order of the text; it should be the alphabet")
class LeavesTiesInTheOrderOfTheText(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *(token for token, _ in Counter(tokens).most_common())]


@wrong("Vocabulary", says="reverse=True")
class TurnsTheAlphabetRoundToo(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *_ranked(tokens, lambda t, counts: (counts[t], t), reverse=True)]


@wrong("Vocabulary", says="by falling frequency")
class NumbersTokensAsTheyCome(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *dict.fromkeys(tokens)]


@wrong("Vocabulary", says="it has its place already")
class ListsASpecialOfTheTextAgain(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(tokens)
        return [*SPECIALS, *sorted(counts, key=lambda t: (-counts[t], t))]


@wrong("Vocabulary", says="seen exactly min_count times should stay")
class WantsMoreThanMinCount(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(tokens)
        kept = [t for t in _ranked(tokens, lambda t, counts: (-counts[t], t)) if counts[t] > min_count or min_count < 2]
        return [*SPECIALS, *kept][:max_size]


@wrong("Vocabulary", says="seen exactly min_count times should stay")
class WantsMoreThanMinCountAlways(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(tokens)
        kept = [t for t in _ranked(tokens, lambda t, counts: (-counts[t], t)) if counts[t] > min_count]
        return [*SPECIALS, *kept][:max_size]


@wrong("Vocabulary", says="min_count is ignored")
class IgnoresMinCount(_Ranks):
    def listed(self, tokens, max_size, min_count):
        return [*SPECIALS, *_ranked(tokens, lambda t, counts: (-counts[t], t))][:max_size]


@wrong("Vocabulary", says="max_size is ignored")
class IgnoresMaxSize(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(tokens)
        return [*SPECIALS, *(t for t in _ranked(tokens, lambda t, c: (-c[t], t)) if counts[t] >= min_count)]


@wrong("Vocabulary", says="the four specials included")
class CountsMaxSizeWithoutTheSpecials(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(tokens)
        kept = [t for t in _ranked(tokens, lambda t, c: (-c[t], t)) if counts[t] >= min_count]
        return [*SPECIALS, *kept[:max_size]]


@wrong("Vocabulary", says="less than the four specials, should be refused with ValueError")
class TakesAnyMaxSize(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        _Given.__init__(self, tokens, max_size=None if max_size is None else max(max_size, 4), min_count=min_count)


@wrong("Vocabulary", says="max_size=0, less than the four specials,")
class TakesSizeZeroForNone(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        if max_size and max_size < 4:
            raise ValueError("too small")
        _Given.__init__(self, tokens, max_size=max_size or None, min_count=min_count)


@wrong("Vocabulary", says="max_size=4 is refused")
class RefusesRoomForTheSpecialsAlone(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        if max_size is not None and max_size <= 4:
            raise ValueError("too small")
        _Given.__init__(self, tokens, max_size=max_size, min_count=min_count)


@wrong("Vocabulary", says="the last in the alphabet go first")
class CutsBeforeItSorts(_Ranks):
    def listed(self, tokens, max_size, min_count):
        counts = Counter(token for token in tokens if token not in SPECIALS)
        kept = [t for t in counts if counts[t] >= min_count]
        kept = sorted(kept, key=lambda t: -counts[t])[: None if max_size is None else max_size - 4]
        return [*SPECIALS, *sorted(kept, key=lambda t: (-counts[t], t))]


@wrong("Vocabulary", says="a string in place of a list of tokens")
class CountsTheLettersOfAText(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        _Given.__init__(self, list(tokens), max_size=max_size, min_count=min_count)


@wrong("Vocabulary", says="no attribute tokens")
class ForgetsToNumber(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        self.counts = Counter(tokens)


@wrong("Vocabulary", says="no attribute indices")
class SetsTheTokensByHand(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        _Given.__init__(self, tokens, max_size=max_size, min_count=min_count)
        del self.indices


@wrong("Vocabulary", says="changed in place; sort a copy")
class SortsTheText(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        self._check_tokens(tokens)
        tokens.sort()
        _Given.__init__(self, tokens, max_size=max_size, min_count=min_count)


@wrong("Vocabulary", says="raised KeyError")
class LooksUpWhatIsNotThere(_Given):
    def __init__(self, tokens, *, max_size=None, min_count=1):
        counts = {}
        for token in tokens:
            counts[token] += 1


@wrong("Vocabulary", says="ends in KeyError")
class EncodesOnlyWhatItKnows(_Given):
    def encode(self, tokens):
        return [self.indices[token] for token in tokens]


@wrong("Vocabulary", says="encode skips unknown tokens")
class SkipsUnknownTokens(_Given):
    def encode(self, tokens):
        return [self.indices[token] for token in tokens if token in self.indices]


@wrong("Vocabulary", says="not always 1")
class TakesOneForUnk(_Given):
    def encode(self, tokens):
        return [self.indices.get(token, 1) for token in tokens]


@wrong("Vocabulary", says="which is padding")
class TakesZeroForUnk(_Given):
    def encode(self, tokens):
        return [self.indices.get(token, 0) for token in tokens]


@wrong("Vocabulary", says="an index beyond the vocabulary")
class GivesUnknownTokensTheNextIndex(_Given):
    def encode(self, tokens):
        return [self.indices.get(token, len(self)) for token in tokens]


@wrong("Vocabulary", says="in a vocabulary without UNK")
class LeavesNoneWhereUnkIsMissing(_Given):
    def encode(self, tokens):
        return [self.indices.get(token, self.indices.get("<UNK>")) for token in tokens]


@wrong("Vocabulary", says="encode: a string in place of a list")
class EncodesTheLettersOfAText(_Given):
    def encode(self, tokens):
        return _Given.encode(self, list(tokens))


@wrong("Vocabulary", says="encode returned a ndarray")
class EncodesToAnArray(_Given):
    def encode(self, tokens):
        return np.array(_Given.encode(self, tokens))


@wrong("Vocabulary", says="encode returned None")
class EncodesForItselfAlone(_Given):
    def encode(self, tokens):
        self.encoded = _Given.encode(self, tokens)


@wrong("Vocabulary", says="counts from 1")
class EncodesFromOne(_Given):
    def encode(self, tokens):
        return [index + 1 for index in _Given.encode(self, tokens)]


@wrong("Vocabulary", says="only for a token that is unknown")
class LooksUpUnkBeforeItIsNeeded(_Given):
    def encode(self, tokens):
        self._check_tokens(tokens)
        try:
            return [self.indices.get(token, self.indices["<UNK>"]) for token in tokens]
        except KeyError:
            raise ValueError("unknown") from None


@wrong("Vocabulary", says="the index 0 of a known token for false")
class LooksUpUnkWhereTheIndexIsZero(_Given):
    def encode(self, tokens):
        self._check_tokens(tokens)
        return [self.indices.get(token) or self.indices["<UNK>"] for token in tokens]


@wrong("Vocabulary", says="the index 0 of a known token for false")
class GetsUnkWhereTheIndexIsZero(_Given):
    def encode(self, tokens):
        self._check_tokens(tokens)
        return [self.indices.get(token) or self.indices.get("<UNK>") for token in tokens]


@wrong("Vocabulary", says="encode gives only the first token's index")
class EncodesOneTokenAlone(_Given):
    def encode(self, tokens):
        return _Given.encode(self, tokens)[:1]


@wrong("Vocabulary", says="decode gives only the first index's token")
class DecodesOneIndexAlone(_Given):
    def decode(self, indices):
        return _Given.decode(self, indices)[:1]


@wrong("Vocabulary", says="takes the index 0 for false")
class TakesIndexZeroForNone(_Given):
    def encode(self, tokens):
        self._check_tokens(tokens)
        unknown = self.indices.get("<UNK>")
        if not unknown and any(token not in self.indices for token in tokens):
            raise ValueError("unknown")
        return [self.indices.get(token, unknown) for token in tokens]


@wrong("Vocabulary", says="no indices should give an empty list; it ends in ValueError")
class DecodesByMinAndMax(_Given):
    def decode(self, indices):
        if min(indices) < 0 or max(indices) >= len(self):
            raise ValueError("no such index")
        return [self.tokens[index] for index in indices]


@wrong("Vocabulary", says="may also be a NumPy array; it ends in ValueError")
class AsksAnArrayWhetherItIsTrue(_Given):
    def decode(self, indices):
        return _Given.decode(self, indices) if indices else []


@wrong("Vocabulary", says="decode joins the tokens")
class DecodesToAText(_Given):
    def decode(self, indices):
        return " ".join(_Given.decode(self, indices))


@wrong("Vocabulary", says="decode leaves out specials")
class DecodesWithoutSpecials(_Given):
    def decode(self, indices):
        return [token for token in _Given.decode(self, indices) if token not in SPECIALS]


@wrong("Vocabulary", says="a negative index")
class CountsFromTheEnd(_Given):
    def decode(self, indices):
        if any(index >= len(self) for index in indices):
            raise ValueError("too large")
        return [self.tokens[index] for index in indices]


@wrong("Vocabulary", says="it ends in IndexError")
class LeavesTheIndexToPython(_Given):
    def decode(self, indices):
        return [self.tokens[index] for index in indices]


@wrong("Vocabulary", says="decode returned None")
class PrintsWhatItDecodes(_Given):
    def decode(self, indices):
        print(_Given.decode(self, indices))


@right("Vocabulary")
class KeepsItsOwnWay(_Given):
    """Sorts twice, counts by hand, and asks before it looks up."""

    def __init__(self, tokens, *, max_size=None, min_count=1):
        if type(tokens) is str or (max_size is not None and max_size < len(SPECIALS)):
            raise TypeError("split it first") if type(tokens) is str else ValueError("no room")
        counts = defaultdict(int)
        for token in tokens:
            counts[token] += 1
        ranked = sorted(sorted(set(counts) - set(SPECIALS)), key=counts.get, reverse=True)
        if max_size is not None:
            ranked = ranked[: max_size - 4]
        self._number(list(SPECIALS) + [token for token in ranked if counts[token] >= min_count])

    def encode(self, tokens):
        self._check_tokens(tokens)
        out = []
        for token in tokens:
            if token in self:
                out.append(self.indices[token])
            elif "<UNK>" in self:
                out.append(self.indices["<UNK>"])
            else:
                raise ValueError(f"what is {token}?")
        return out

    def decode(self, indices):
        if len(indices) and not (min(indices) >= 0 and max(indices) <= len(self) - 1):
            raise ValueError("no such index")
        back = dict(enumerate(self.tokens))
        return [back[int(index)] for index in indices]


@right("Vocabulary")
class SearchesTheTuple(_Given):
    def encode(self, tokens):
        self._check_tokens(tokens)
        return [self.tokens.index(token if token in self.tokens else "<UNK>") for token in tokens]

    def decode(self, indices):
        if set(map(int, indices)) - set(range(len(self))):
            raise ValueError("no such index")
        return list(map(self.tokens.__getitem__, indices))


# --- one_hot ----------------------------------------------------------------------------------------------------


def _inside(indices, V):
    indices = np.array(indices, dtype=int)
    if ((indices < 0) | (indices >= V)).any():
        raise ValueError("no such index")
    return indices


@wrong("one_hot", says="a negative index")
def lets_numpy_count_from_the_end(indices, V):
    indices = np.array(indices, dtype=int)
    if (indices >= V).any():
        raise ValueError("too large")
    return np.eye(V)[indices]


@wrong("one_hot", says="it ends in IndexError")
def leaves_the_index_to_numpy(indices, V):
    return np.eye(V)[np.array(indices, dtype=int)]


@wrong("one_hot", says="raised IndexError")
def forgets_the_empty_list(indices, V):
    indices = np.asarray(indices)
    if indices.size and (indices.min() < 0 or indices.max() >= V):
        raise ValueError("no such index")
    return np.eye(V)[indices]


@wrong("one_hot", says="dtype int64")
def writes_whole_numbers(indices, V):
    return np.eye(V, dtype=int)[_inside(indices, V)]


@wrong("one_hot", says="dtype bool")
def compares_with_every_index(indices, V):
    return _inside(indices, V)[..., None] == np.arange(V)


@wrong("one_hot", says="width comes from the largest index")
def takes_the_width_from_the_indices(indices, V):
    indices = _inside(indices, V)
    return np.eye(indices.max() + 1 if indices.size and indices.max() < V - 1 else V)[indices]


@wrong("one_hot", says="axis of width V comes first")
def puts_the_new_axis_first(indices, V):
    return np.moveaxis(np.eye(V)[_inside(indices, V)], -1, 0)


@wrong("one_hot", says="one place too early")
def counts_places_from_one(indices, V):
    return np.roll(np.eye(V), -1, axis=1)[_inside(indices, V)]


@wrong("one_hot", says="expected (T, B, V)")
def flattens_the_batch(indices, V):
    return np.eye(V)[_inside(indices, V).ravel()]


@wrong("one_hot", says="exchanged")
def writes_a_cold_row(indices, V):
    return 1 - np.eye(V)[_inside(indices, V)]


@wrong("one_hot", says="may have any shape; with 2 axes")
def knows_only_one_sequence(indices, V):
    indices = _inside(indices, V)
    rows = np.zeros((len(indices), V))
    rows[np.arange(len(indices)), indices] = 1
    return rows


@wrong("one_hot", says="Is there a return?")
def one_hot_without_a_return(indices, V):
    np.eye(V)[_inside(indices, V)]


@wrong("one_hot", says="is a list")
def returns_a_list_of_rows(indices, V):
    return np.eye(V)[_inside(indices, V)].tolist()


@wrong("one_hot", says="expected (0, B, V)")
def gives_nothing_one_shape(indices, V):
    return np.eye(V)[_inside(indices, V)] if np.size(indices) else np.zeros((0, V))


@right("one_hot")
def rows_of_the_identity(indices, V):
    return np.eye(V)[_inside(indices, V)]


@right("one_hot")
def one_place_at_a_time(indices, V):
    indices = _inside(indices, V)
    rows = np.zeros((*indices.shape, V))
    for place in np.ndindex(indices.shape):
        rows[place][indices[place]] = 1.0
    return rows


# --- pad_and_mask -----------------------------------------------------------------------------------------------


def _pad(sequences, pad):
    if len(sequences) == 0:
        raise ValueError("no sequences")
    lengths = np.array([len(s) for s in sequences])
    padded = np.full((lengths.max(), len(sequences)), pad)
    for b, s in enumerate(sequences):
        padded[: len(s), b] = s
    return padded, np.arange(lengths.max())[:, None] < lengths, lengths


@wrong("pad_and_mask", says="each sequence should be a column")
def puts_the_batch_first(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded.T, mask.T, lengths


@wrong("pad_and_mask", says="happens to equal pad")
def looks_for_the_padding(sequences, pad=0):
    padded, _, lengths = _pad(sequences, pad)
    return padded, padded != pad, lengths


@wrong("pad_and_mask", says="padding stands before the sequences")
def pads_at_the_beginning(sequences, pad=0):
    padded, mask, lengths = _pad([s[::-1] for s in sequences], pad)
    return padded[::-1], mask[::-1], lengths


@wrong("pad_and_mask", says="shortest sequence")
def cuts_to_the_shortest(sequences, pad=0):
    least = min((len(s) for s in sequences), default=0)
    return _pad([s[:least] for s in sequences], pad)


@wrong("pad_and_mask", says="of the longest, not of the first")
def takes_t_from_the_first(sequences, pad=0):
    padded = np.full((len(sequences[0]) if sequences else max(sequences), len(sequences)), pad)
    for b, s in enumerate(sequences):
        padded[: len(s), b] = s
    return padded, np.arange(len(padded))[:, None] < np.array([len(s) for s in sequences]), [len(s) for s in sequences]


@wrong("pad_and_mask", says="as long as the first sequence")
def cuts_to_the_first(sequences, pad=0):
    return _pad([s[: len(sequences[0])] for s in sequences], pad)


@wrong("pad_and_mask", says="padded has dtype float64")
def pads_with_floats(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded.astype(float), mask, lengths


@wrong("pad_and_mask", says="mask has dtype int64")
def makes_a_mask_of_numbers(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded, mask.astype(int), lengths


@wrong("pad_and_mask", says="wrong way round")
def masks_the_padding(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded, ~mask, lengths


@wrong("pad_and_mask", says="pad is ignored")
def ignores_pad(sequences, pad=0):
    return _pad(sequences, 0)


@wrong("pad_and_mask", says="keep the order")
def sorts_by_length(sequences, pad=0):
    return _pad(sorted(sequences, key=len, reverse=True), pad)


@wrong("pad_and_mask", says="own length")
def gives_the_length_of_the_longest(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded, mask, np.full_like(lengths, lengths.max())


@wrong("pad_and_mask", says="lengths is a list")
def lists_the_lengths(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded, mask, lengths.tolist()


@wrong("pad_and_mask", says="row < length, not <=")
def masks_one_row_too_many(sequences, pad=0):
    padded, _, lengths = _pad(sequences, pad)
    return padded, np.arange(len(padded))[:, None] <= lengths, lengths


@wrong("pad_and_mask", says="mask has shape (0,)")
def loses_the_columns_of_an_empty_mask(sequences, pad=0):
    padded, mask, lengths = _pad(sequences, pad)
    return padded, np.array(mask.tolist()), lengths


@wrong("pad_and_mask", says="three results")
def forgets_the_lengths(sequences, pad=0):
    return _pad(sequences, pad)[:2]


@wrong("pad_and_mask", says="changed in place")
def pads_the_lists_themselves(sequences, pad=0):
    result = _pad(sequences, pad)
    for s in sequences:
        if isinstance(s, list):
            s += [pad] * (len(result[0]) - len(s))
    return result


@wrong("pad_and_mask", says="an empty list of sequences should be refused")
def accepts_a_batch_of_nothing(sequences, pad=0):
    return _pad(sequences, pad) if len(sequences) else (np.zeros((0, 0), int), np.zeros((0, 0), bool), np.zeros(0, int))


@wrong("pad_and_mask", says="Is there a return?")
def pad_without_a_return(sequences, pad=0):
    _pad(sequences, pad)


@right("pad_and_mask")
def longest_first_then_columns(sequences, pad=0):
    if not sequences:
        raise ValueError("nothing to pad")
    T = max(len(s) for s in sequences)
    padded = np.array([list(s) + [pad] * (T - len(s)) for s in sequences], dtype=int).T
    mask = np.array([[True] * len(s) + [False] * (T - len(s)) for s in sequences], dtype=bool).T
    return padded.reshape(T, len(sequences)), mask.reshape(T, len(sequences)), np.array([len(s) for s in sequences])


@right("pad_and_mask")
def one_entry_at_a_time(sequences, pad=0):
    lengths = np.zeros(len(sequences), dtype=int)
    for b in range(len(sequences)):
        lengths[b] = len(sequences[b])
    T = np.max(lengths)  # of no sequences, NumPy says ValueError by itself
    padded, mask = np.zeros((T, len(sequences)), dtype=int), np.zeros((T, len(sequences)), dtype=bool)
    for b, s in enumerate(sequences):
        for t in range(T):
            mask[t, b] = t < len(s)
            padded[t, b] = s[t] if mask[t, b] else pad
    return [padded, mask, lengths]


# --- bag_of_words -----------------------------------------------------------------------------------------------


@wrong("bag_of_words", says="how often is asked for")
def says_only_whether(indices, V):
    return np.minimum(np.bincount(_inside(indices, V), minlength=V), 1)


@wrong("bag_of_words", says="dtype float64")
def gives_relative_frequencies(indices, V):
    return np.bincount(_inside(indices, V), minlength=V) / max(1, len(indices))


@wrong("bag_of_words", says="ends at the largest index")
def ends_at_the_largest_index(indices, V):
    return np.bincount(_inside(indices, V))


@wrong("bag_of_words", says="returned a dict")
def returns_a_counter(indices, V):
    return Counter(_inside(indices, V).tolist())


@wrong("bag_of_words", says="one place off")
def counts_indices_from_one(indices, V):
    return np.roll(np.bincount(_inside(indices, V), minlength=V), 1)


@wrong("bag_of_words", says="index 0 is not counted")
def leaves_out_the_padding(indices, V):
    bag = np.bincount(_inside(indices, V), minlength=V)
    bag[0] = 0
    return bag


@wrong("bag_of_words", says="is the return inside the loop?")
def counts_one_index_alone(indices, V):
    _inside(indices, V)
    bag = np.zeros(V, dtype=int)
    for index in indices:
        bag[index] += 1
        return bag
    return bag


@wrong("bag_of_words", says="a negative index")
def counts_a_negative_index_from_the_end(indices, V):
    bag = np.zeros(V, dtype=int)
    for index in indices:
        if index >= V:
            raise ValueError("too large")
        bag[index] += 1
    return bag


@wrong("bag_of_words", says="an index of V or more")
def grows_for_larger_indices(indices, V):
    return np.bincount(np.array(indices, dtype=int), minlength=V)


@wrong("bag_of_words", says="raised")
def fails_on_nothing(indices, V):
    return np.bincount(_inside(indices, V), minlength=V) if min(indices) >= 0 else None


@wrong("bag_of_words", says="is a list")
def lists_the_counts(indices, V):
    return np.bincount(_inside(indices, V), minlength=V).tolist()


@wrong("bag_of_words", says="the bag has dtype float64")
def counts_in_floats(indices, V):
    bag = np.zeros(V)
    for index in _inside(indices, V):
        bag[index] += 1
    return bag


@wrong("bag_of_words", says="only whether an index occurs")
def adds_to_a_repeated_place_once(indices, V):
    bag = np.zeros(V, dtype=int)
    bag[_inside(indices, V)] += 1
    return bag


@wrong("bag_of_words", says="Is there a return?")
def bag_without_a_return(indices, V):
    np.bincount(_inside(indices, V), minlength=V)


@right("bag_of_words")
def adds_up_one_hot_rows(indices, V):
    return np.eye(V, dtype=int)[_inside(indices, V)].sum(axis=0)


@right("bag_of_words")
def asks_for_every_index(indices, V):
    indices = list(indices)
    if any(i not in range(V) for i in indices):
        raise ValueError("no such index")
    return np.array([indices.count(v) for v in range(V)])


# --- ngram_counts -----------------------------------------------------------------------------------------------


@wrong("ngram_counts", says="last run of the text is missing")
def stops_one_too_early(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n))


@wrong("ngram_counts", says="found one of length 1")
def lets_runs_end_short(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens)))


@wrong("ngram_counts", says="do not overlap")
def cuts_the_text_into_pieces(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(0, len(tokens) - n + 1, n))


@wrong("ngram_counts", says="go round")
def goes_round(tokens, n):
    return Counter(tuple((tokens * 2)[i : i + n]) for i in range(len(tokens))) if len(tokens) >= n else Counter()


@wrong("ngram_counts", says="how often it occurs is asked for")
def counts_each_run_once(tokens, n):
    return Counter({tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)})


@wrong("ngram_counts", says="is the return inside the loop?")
def counts_one_run_alone(tokens, n):
    counts = Counter()
    for i in range(len(tokens) - n + 1):
        counts[tuple(tokens[i : i + n])] += 1
        return counts
    return counts


@wrong("ngram_counts", says="found a str")
def joins_the_tokens(tokens, n):
    return Counter(" ".join(map(str, tokens[i : i + n])) for i in range(len(tokens) - n + 1))


@wrong("ngram_counts", says="with a comma")
def counts_single_tokens_bare(tokens, n):
    if n == 1:
        return Counter(tokens)
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


@wrong("ngram_counts", says="order within a run")
def sorts_each_run(tokens, n):
    return Counter(tuple(sorted(tokens[i : i + n])) for i in range(len(tokens) - n + 1))


@wrong("ngram_counts", says="raised TypeError")
def takes_lists_for_keys(tokens, n):
    return Counter(tokens[i : i + n] for i in range(len(tokens) - n + 1))


@wrong("ngram_counts", says="returned a dict")
def returns_a_plain_dict(tokens, n):
    return dict(Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)))


@wrong("ngram_counts", says="found one of length 1")
def counts_shorter_runs_too(tokens, n):
    return Counter(tuple(tokens[i : i + m]) for m in range(1, n + 1) for i in range(len(tokens) - m + 1))


@wrong("ngram_counts", says="fewer than n tokens")
def counts_a_short_text_as_a_run(tokens, n):
    if len(tokens) < n:
        return Counter([tuple(tokens) + (tokens[-1],) * (n - len(tokens))]) if len(tokens) else Counter()
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


@wrong("ngram_counts", says="changed in place")
def eats_the_tokens(tokens, n):
    counts = Counter()
    while len(tokens) >= n:
        counts[tuple(tokens[:n])] += 1
        tokens.pop(0)
    return counts


@wrong("ngram_counts", says="Is there a return?")
def counts_without_a_return(tokens, n):
    Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


@right("ngram_counts")
def slides_a_window(tokens, n):
    counts = Counter()
    for start in range(len(tokens) - n + 1):
        counts[tuple(tokens[start : start + n])] += 1
    return counts


@right("ngram_counts")
def remembers_the_last_tokens(tokens, n):
    counts, window = Counter(), ()
    for token in tokens:
        window = (*window, token)[-n:]
        if len(window) == n:
            counts.update([window])
    return counts


# --- context_counts ---------------------------------------------------------------------------------------------


@wrong("context_counts", says="every run counts once")
def counts_different_followers(counts):
    return Counter(ngram[:-1] for ngram in counts)


@wrong("context_counts", says="the first token is left out")
def drops_the_first_token(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[1:]] += count
    return contexts


@wrong("context_counts", says="length 1 here")
def takes_the_first_token_alone(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[0]] += count
    return contexts if any(len(g) != 2 for g in counts) else Counter({(c, c): v for c, v in contexts.items()})


@wrong("context_counts", says="keys should be tuples")
def takes_the_token_before_the_last_bare(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[-2] if len(ngram) > 1 else ()] += count
    return contexts


@wrong("context_counts", says="overwrite each other")
def keeps_the_last_count_seen(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[:-1]] = count
    return contexts


@wrong("context_counts", says="is the return inside the loop?")
def adds_one_run_alone(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[:-1]] += count
        return contexts
    return contexts


@wrong("context_counts", says="returned a dict")
def sums_in_a_plain_dict(counts):
    contexts = {}
    for ngram, count in counts.items():
        contexts[ngram[:-1]] = contexts.get(ngram[:-1], 0) + count
    return contexts


@wrong("context_counts", says="returned a int")
def counts_everything_together(counts):
    return sum(counts.values())


@wrong("context_counts", says="raised IndexError")
def fails_on_single_tokens(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        ngram[-2]
        contexts[ngram[:-1]] += count
    return contexts


@wrong("context_counts", says="changed in place")
def adds_up_in_the_counts_themselves(counts):
    for ngram in list(counts):
        counts[ngram[:-1]] += counts.pop(ngram)
    return Counter(counts)


@wrong("context_counts", says="Is there a return?")
def contexts_without_a_return(counts):
    contexts = Counter()
    for ngram, count in counts.items():
        contexts[ngram[:-1]] += count


@right("context_counts")
def gathers_and_then_counts(counts):
    return Counter(ngram[:-1] for ngram in counts.elements())


@right("context_counts")
def sums_context_by_context(counts):
    return Counter({c: sum(n for g, n in counts.items() if g[:-1] == c) for c in {g[:-1] for g in counts}})


# --- ngram_probability ------------------------------------------------------------------------------------------


@wrong("ngram_probability", says="k is not added to the count of the n-gram")
def smooths_only_below(ngram, counts, contexts, *, V, k=1.0):
    return counts[ngram] / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="k V is not added below")
def smooths_only_above(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / contexts[ngram[:-1]]


@wrong("ngram_probability", says="added once")
def forgets_v_below(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k)


@wrong("ngram_probability", says="without k")
def adds_v_without_k(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + V)


@wrong("ngram_probability", says="no smoothing")
def does_not_smooth(ngram, counts, contexts, *, V, k=1.0):
    return counts[ngram] / contexts[ngram[:-1]]


@wrong("ngram_probability", says="k is ignored")
def adds_one_always(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + 1) / (contexts[ngram[:-1]] + V)


@wrong("ngram_probability", says="number of all runs")
def divides_by_all_runs(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (counts.total() + k * V)


@wrong("ngram_probability", says="number of different n-grams")
def takes_the_counted_for_v(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * len(counts))


@wrong("ngram_probability", says="not without its first")
def takes_the_last_tokens_for_the_context(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[1:]] + k * V)


@wrong("ngram_probability", says="differs from")
def takes_one_token_for_the_context(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[:1]] + k * V)


@wrong("ngram_probability", says="its key is a tuple")
def looks_up_a_bare_token(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[0]] + k * V)


@wrong("ngram_probability", says="write (count + k) / (...)")
def forgets_the_brackets_above(ngram, counts, contexts, *, V, k=1.0):
    return counts[ngram] + k / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="write ... / (count + k V)")
def forgets_the_brackets_below(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / contexts[ngram[:-1]] + k * V


@wrong("ngram_probability", says="above and below")
def forgets_all_brackets(ngram, counts, contexts, *, V, k=1.0):
    return counts[ngram] + k / contexts[ngram[:-1]] + k * V


@wrong("ngram_probability", says="changed the counts")
def adds_k_to_the_counts_themselves(ngram, counts, contexts, *, V, k=1.0):
    counts[ngram] += k
    contexts[ngram[:-1]] += k * V
    if contexts[ngram[:-1]] == 0:
        raise ValueError("never seen")
    return counts[ngram] / contexts[ngram[:-1]]


@wrong("ngram_probability", says="has probability 0")
def refuses_a_run_never_seen(ngram, counts, contexts, *, V, k=1.0):
    if counts[ngram] + k == 0:
        raise ValueError("never seen")
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="logarithm")
def gives_the_logarithm(ngram, counts, contexts, *, V, k=1.0):
    return math.log((counts[ngram] + k) / (contexts[ngram[:-1]] + k * V))


@wrong("ngram_probability", says="ends in ZeroDivisionError")
def divides_by_zero(ngram, counts, contexts, *, V, k=1.0):
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="it was accepted")
def gives_an_unseen_context_nothing(ngram, counts, contexts, *, V, k=1.0):
    seen = contexts[ngram[:-1]] + k * V
    return (counts[ngram] + k) / seen if seen else 0.0


@wrong("ngram_probability", says="with k above 0 no context should be refused")
def refuses_every_context_never_seen(ngram, counts, contexts, *, V, k=1.0):
    if ngram[:-1] not in contexts:
        raise ValueError("never seen")
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="k is 1 unless given")
def smooths_only_when_asked(ngram, counts, contexts, *, V, k=0.0):
    if contexts[ngram[:-1]] + k * V == 0:
        raise ValueError("never seen")
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="changed the counts")
def writes_what_it_looks_up(ngram, counts, contexts, *, V, k=1.0):
    counts[ngram] += 0
    contexts[ngram[:-1]] += 0
    if contexts[ngram[:-1]] + k * V == 0:
        raise ValueError("never seen")
    return (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@wrong("ngram_probability", says="Is there a return?")
def probability_without_a_return(ngram, counts, contexts, *, V, k=1.0):
    (counts[ngram] + k) / (contexts[ngram[:-1]] + k * V)


@right("ngram_probability")
def looks_up_with_get(ngram, counts, contexts, *, V, k=1.0):
    *context, _ = ngram
    above, below = counts.get(ngram, 0) + k, contexts.get(tuple(context), 0) + k * V
    try:
        return above / below
    except ZeroDivisionError:
        raise ValueError("this context was never seen") from None


@right("ngram_probability")
def mixes_the_frequency_with_a_guess(ngram, counts, contexts, *, V, k=1.0):
    seen = contexts[ngram[:-1]]
    if seen == 0 and k == 0:
        raise ValueError("nothing is known")
    if seen == 0:
        return 1 / V
    trust = seen / (seen + k * V)
    return trust * counts[ngram] / seen + (1 - trust) / V


NOT_ASKED = "the library also refuses arguments of a wrong type or kind; the exercise does not ask for it"
NUMPY_REFUSES = "what follows raises ValueError by itself"
GIVEN = "a check in a method that students are given and not asked to touch"

EQUIVALENT = {
    "tokenize": {
        "tokenize:L1:drop check_text(text)": NOT_ASKED,
        "tokenize:L1:drop check_text()": NOT_ASKED,
    },
    "Vocabulary": {
        "Vocabulary:L6:SPECIALS backwards": "the specials are taken out of the counts in another order",
        "Vocabulary:L33:drop cls._check_tokens(tokens)": GIVEN,
        "Vocabulary:L41:enumerate(self.tokens) backwards": "the same dict, filled from its end",
        "Vocabulary:L33:drop _check_tokens()": GIVEN,
        "Vocabulary:L39:drop tuple()": "a list in place of a tuple, in a method that is given",
        "Vocabulary:L42:never not isinstance(token, str)": GIVEN,
        "Vocabulary:L44:never token in self.indices": GIVEN,
        "Vocabulary:L43:drop raise TypeError(f'token {index}…": GIVEN,
        "Vocabulary:L45:drop raise ValueError(f'token {token…": GIVEN,
        "Vocabulary:L90:drop index = operator.index(index)": NOT_ASKED,
        "Vocabulary:L90:drop index()": NOT_ASKED,
        "Vocabulary:L92:drop raise TypeError(f'index {index!…": NOT_ASKED,
    },
    "one_hot": {
        "one_hot:L4:never not np.issubdtype(indices.dtype…": NOT_ASKED,
        "one_hot:L5:drop raise TypeError(f'indices has d…": NOT_ASKED,
        "one_hot:L3:zeros→ones": "there is nothing in an array without entries",
    },
    "pad_and_mask": {
        "pad_and_mask:L2:never not sequences": NUMPY_REFUSES,
        "pad_and_mask:L4:skip first of enumerate(sequences)": NOT_ASKED,
        "pad_and_mask:L4:skip last of enumerate(sequences)": NOT_ASKED,
        "pad_and_mask:L4:enumerate(sequences) backwards": NOT_ASKED,
        "pad_and_mask:L12:enumerate(sequences) backwards": "the columns are filled in another order",
        "pad_and_mask:L3:drop raise ValueError('sequences is …": NUMPY_REFUSES,
        "pad_and_mask:L5:never sequence.ndim != 1 or (sequence…": NOT_ASKED,
        "pad_and_mask:L5:or→and": NOT_ASKED,
        "pad_and_mask:L5:only sequence.ndim != 1": NOT_ASKED,
        "pad_and_mask:L5:only sequence.size and (not np.issub…": NOT_ASKED,
        "pad_and_mask:L6:drop raise TypeError(f'sequence {b} …": NOT_ASKED,
        "pad_and_mask:L11:drop index()": NOT_ASKED,
    },
    "bag_of_words": {
        "bag_of_words:L2:never indices.ndim != 1": NOT_ASKED,
        "bag_of_words:L6:never not np.issubdtype(indices.dtype…": NOT_ASKED,
        "bag_of_words:L3:drop raise ValueError(f'indices has …": NOT_ASKED,
        "bag_of_words:L7:drop raise TypeError(f'indices has d…": NOT_ASKED,
        "bag_of_words:L8:only indices.max() >= V": NUMPY_REFUSES,
        "bag_of_words:L8:min→max": NUMPY_REFUSES,
        "bag_of_words:L8:0→-1": NUMPY_REFUSES,
    },
    "ngram_counts": {
        "ngram_counts:L1:never isinstance(tokens, str)": NOT_ASKED,
        "ngram_counts:L6:never n < 1": NOT_ASKED,
        "ngram_counts:L2:drop raise TypeError(f'tokens is the…": NOT_ASKED,
        "ngram_counts:L7:drop raise ValueError(f'n is {n}; ex…": NOT_ASKED,
        "ngram_counts:L6:1→0": NOT_ASKED,
        "ngram_counts:L8:drop strict=False": "False is the default",
    },
    "context_counts": {
        "context_counts:L2:counts.items() backwards": "the same sums, taken in another order",
    },
    "ngram_probability": {
        "ngram_probability:L1:never isinstance(ngram, str)": NOT_ASKED,
        "ngram_probability:L3:drop ngram = tuple(ngram)": NOT_ASKED,
        "ngram_probability:L5:never len(ngram) != n": NOT_ASKED,
        "ngram_probability:L7:never k < 0 or V < 1": NOT_ASKED,
        'ngram_probability:L2:drop raise TypeError(f"ngram is the …': NOT_ASKED,
        "ngram_probability:L3:drop tuple()": NOT_ASKED,
        "ngram_probability:L6:drop raise ValueError(f'ngram {ngram…": NOT_ASKED,
        "ngram_probability:L7:or→and": NOT_ASKED,
        "ngram_probability:L7:only k < 0": NOT_ASKED,
        "ngram_probability:L7:only V < 1": NOT_ASKED,
        "ngram_probability:L8:drop raise ValueError(f'k is {k} and…": NOT_ASKED,
        "ngram_probability:L7:<→<=#2": NOT_ASKED,
        "ngram_probability:L7:0→-1": NOT_ASKED,
        "ngram_probability:L7:1→2": NOT_ASKED,
        "ngram_probability:L7:1→0": NOT_ASKED,
    },
}
