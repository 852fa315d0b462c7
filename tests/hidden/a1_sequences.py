"""Hidden tests of a1-sequences. Each takes the function or class it judges as its first argument.

Words are made up afresh for every student, so a constant cannot pass, and no word of a message is mistaken for one.
"""

import re
from collections import Counter

import numpy as np

from tests.hidden.support import expect_close, expect_unchanged

REFERENCES = {
    "tokenize": "course_lib.text.tokens",
    "Vocabulary": "course_lib.text.vocabulary",
    "one_hot": "course_lib.text.padding",
    "pad_and_mask": "course_lib.text.padding",
    "bag_of_words": "course_lib.text.bags",
    "ngram_counts": "course_lib.text.ngrams",
    "context_counts": "course_lib.text.ngrams",
    "ngram_probability": "course_lib.text.ngrams",
}

SPECIALS = ["<PAD>", "<UNK>", "<SOS>", "<EOS>"]


def _words(rng, count):
    """Different made-up words of three syllables, not in alphabetical order."""
    words = set()
    while len(words) < count:
        words.add("".join(rng.choice(list("bdfgklmnprtvz")) + rng.choice(list("aeiou")) for _ in range(3)))
    return [str(word) for word in rng.permutation(sorted(words))]


def _refused(call, error, when):
    """Fail unless `call` raises `error`; `when` says in words what was asked."""
    wanted = f"{when} should be refused with {error.__name__}"
    try:
        call()
    except (error, NotImplementedError) as found:
        if isinstance(found, NotImplementedError):
            raise
        return
    except Exception as found:
        raise AssertionError(f"{wanted}; it ends in {type(found).__name__}") from found
    raise AssertionError(f"{wanted}; it was accepted")


# --- tokenize ---------------------------------------------------------------------------------------------------


def _read(tokenize, text, **options):
    try:
        return tokenize(text, **options)
    except IndexError as error:
        raise AssertionError(
            f"tokenize ends in IndexError ({error}). If it is text[i + 1]: nothing follows the last character of a text"
        ) from error


def _tokens(tokenize, text, want, otherwise, **options):
    got = _read(tokenize, text, **options)
    assert got is not None, "tokenize returned None; expected a list of tokens. Is there a return?"
    assert isinstance(got, list), f"tokenize returned a {type(got).__name__}, not a list of strings"
    for token in got:
        assert isinstance(token, str), (
            f"the list holds a {type(token).__name__}; every token is a string. "
            "(With several groups in the pattern, re.findall gives tuples: write (?:...))"
        )
    assert any(got) or not got, (
        "every token is empty: with a group in the pattern, re.findall gives only what is in the group; write (?:...)"
    )
    for token in got:
        assert token, "there is an empty string among the tokens"
        assert not re.search(r"\s", token), "white space is in a token; it only separates (tabs too: str.isspace)"
    assert got == want, otherwise


def test_white_space_separates_words(tokenize, rng):
    words = _words(rng, 6)
    gaps = [" ", "\n", "\t", "   ", " \n\n"]
    text = "".join(word + gap for word, gap in zip(words, [*gaps, ""], strict=True))
    got = _read(tokenize, text)
    assert not isinstance(got, list) or got != words[:-1], (
        "the last word is missing: where nothing follows a word, the loop ends with the word still in hand"
    )
    assert not isinstance(got, list) or got not in ([], [text[0]], words[:1]), (
        "only the beginning of the text is read: is the return inside the loop?"
    )
    assert not isinstance(got, list) or got[:2] != [words[0], words[0] + words[1]], (
        "the word in hand grows on: empty it each time it goes into the list"
    )
    for space in "\t\n\r\u00a0":
        _tokens(tokenize, words[0] + space + words[1], words[:2], "two words parted by white space come out wrong")
    _tokens(tokenize, text, words, "words separated by spaces, tabs and line breaks come out wrong")
    _tokens(tokenize, f"\n {text} \t", words, "white space before the first word or after the last should give nothing")


def test_every_mark_is_a_token_of_its_own(tokenize, rng):
    for mark in '.,;:!?()"&*':
        a, b = _words(rng, 2)
        _tokens(tokenize, a + mark, [a, mark], f"the mark {mark} at the end of a word should be a token of its own")
        _tokens(tokenize, mark + a, [mark, a], f"the mark {mark} before a word should be a token of its own")
        _tokens(
            tokenize, a + mark + b, [a, mark, b], f"the mark {mark} between two words should part them and be a token"
        )
    a, b = _words(rng, 2)
    _tokens(tokenize, f"{a}-{b}", [a, "-", b], "a hyphen is a mark like the others: it parts two words, and is a token")
    _tokens(tokenize, f"{a}--{b}...", [a, "-", "-", b, ".", ".", "."], "two marks in a row should be two tokens")
    _tokens(tokenize, "?! ...", list("?!..."), "marks without a word should be tokens too, one for each")


def test_an_apostrophe_between_letters_belongs_to_the_word(tokenize, rng):
    a, b, c = _words(rng, 3)
    for mark, name in (("'", "the apostrophe '"), ("’", "the curly apostrophe ’")):
        inside, twice = f"{a}{mark}{b}", f"{a}{mark}{b}{mark}{c}"
        _tokens(tokenize, inside, [inside], f"{name} between two letters should stay in its word")
        _tokens(tokenize, twice, [twice], f"{name} stands twice in one word; both should stay in it")
        _tokens(tokenize, f"7{mark}8", [f"7{mark}8"], f"{name} between two digits should stay in its word")
        _tokens(tokenize, f"{a}{mark} {b}", [a, mark, b], f"{name} after a word, then a space, is a token of its own")
        _tokens(tokenize, f"{a} {mark}{b}", [a, mark, b], f"{name} before a word, after a space, is a token of its own")
        _tokens(
            tokenize, f"{mark}{a}{mark}", [mark, a, mark], f"{name} around a word is a quote: two tokens of its own"
        )
        _tokens(
            tokenize,
            f"{mark}{a} {b}",
            [mark, a, b],
            f"{name} at the very beginning has no letter before it (at i = 0, text[i - 1] is the last character)",
        )
        _tokens(
            tokenize,
            f"{a}{mark}{mark}{b}",
            [a, mark, mark, b],
            f"{name} next to another one is not between two letters",
        )
        _tokens(
            tokenize,
            f"{a}‘{b}",
            [a, "‘", b],
            "the opening quotation mark ‘ is no apostrophe, whatever stands beside it",
        )
        _tokens(tokenize, f"{a}.{mark}{b}", [a, ".", mark, b], f"{name} after a full stop is not between two letters")


def test_the_underscore_is_a_mark(tokenize, rng):
    a, b = _words(rng, 2)
    _tokens(tokenize, f"_{a}_", ["_", a, "_"], "an underscore is a token of its own, also beside a word")
    _tokens(tokenize, f"{a}_{b}", [a, "_", b], "an underscore between two words should part them and be a token")
    _tokens(tokenize, f"{a}'_{b}", [a, "'", "_", b], "an apostrophe before an underscore is not between two letters")


def test_letters_of_every_script_and_digits_make_words(tokenize, rng):
    (a,) = _words(rng, 1)
    _tokens(tokenize, f"{a}7 1813 5{a}", [f"{a}7", "1813", f"5{a}"], "digits belong to words as letters do")
    for letter in "éßñøжλ":
        _tokens(
            tokenize,
            f"{a}{letter}{a} {letter}",
            [f"{a}{letter}{a}", letter],
            "letters beyond a to z make words as well",
        )


def test_lower_casing_is_a_choice(tokenize, rng):
    a, b = _words(rng, 2)
    text, as_is = f"{a.title()} {b.upper()}, {a}!", [a.title(), b.upper(), ",", a, "!"]
    _tokens(tokenize, text, as_is, "without lower=True, capitals should stay as they are")
    _tokens(tokenize, text, as_is, "with lower=False, capitals should stay as they are", lower=False)
    _tokens(tokenize, text, [a, b, ",", a, "!"], "with lower=True, every capital should become small", lower=True)
    _tokens(tokenize, f"É{a}", [f"é{a}"], "with lower=True, every capital should become small, É too", lower=True)
    _tokens(tokenize, f"{a}ß", [f"{a}ß"], "lower=True should do what str.lower does, which leaves ß alone", lower=True)


def test_nothing_gives_no_tokens(tokenize):
    for text in ("", " ", "\n\t "):
        _tokens(tokenize, text, [], "an empty text, or only white space, should give an empty list")


def test_a_text_put_together_from_tokens_is_taken_apart_again(tokenize, rng):
    for _ in range(20):
        words = [*_words(rng, 8), "a'b", "c’d’e", "12", "é"]
        tokens = [str(t) for t in rng.permutation([*words, *".,;!?-_-()"])]
        text = "".join(
            token + ("" if rng.random() < 0.5 and (token in words) != (after in words) else " ")
            for token, after in zip(tokens, [*tokens[1:], "."], strict=True)
        )
        _tokens(tokenize, text, tokens, "a longer text with words, marks and apostrophes comes out wrong")


# --- Vocabulary -------------------------------------------------------------------------------------------------


def _ranked(Vocabulary, tokens, **options):
    """The tokens of a vocabulary, in the order of their indices."""
    vocab = Vocabulary(tokens, **options)
    for name in ("tokens", "indices"):
        assert hasattr(vocab, name), (
            f"after Vocabulary(tokens) there is no attribute {name}: __init__ should end with self._number(...)"
        )
    return list(vocab.tokens)


def _listed(Vocabulary, tokens):
    """A vocabulary of just these tokens; `from_list` was given."""
    vocab = Vocabulary.from_list(tokens)
    assert vocab is not None and len(vocab) == len(tokens), "from_list and _number were given; leave them as they were"
    return vocab


def _plain_list(got, name, kind, what):
    assert got is not None, f"{name} returned None; expected a list of {what}. Is there a return?"
    assert isinstance(got, list), f"{name} returned a {type(got).__name__}; expected a list of {what}"
    for item in got:
        assert item is not None, f"{name}: None stands in the list; expected only {what}"
        assert isinstance(item, kind), f"{name}: the list holds a {type(item).__name__}; expected a list of {what}"


def test_ranking_is_by_falling_frequency_and_then_alphabetical(Vocabulary, rng):
    words = _words(rng, 9)
    counts = {word: count for word, count in zip(words, [4, 4, 4, 2, 2, 2, 1, 1, 1], strict=True)}
    text = [str(w) for w in rng.permutation([w for w, count in counts.items() for _ in range(count)])]
    first = list(dict.fromkeys(text))
    want = sorted(words, key=lambda w: (-counts[w], w))
    got = _ranked(Vocabulary, text)
    assert len(got) == len(set(got)), "a token stands twice in the vocabulary"
    assert set(SPECIALS) <= set(got), "the four specials are missing: they come before all other tokens"
    assert got[:4] == SPECIALS, "the specials should have the indices 0 to 3, in the order of SPECIALS"
    assert set(got[4:]) != {w for w in words if counts[w] > 1}, (
        "tokens that occur once are missing: min_count is 1, and tokens seen exactly min_count times should stay"
    )
    assert set(got[4:]) == set(words), "the vocabulary should hold every token of the text, and no other"
    got = got[4:]
    if got != want:
        for order, slip in {
            "the least frequent tokens come first; it should be the most frequent": lambda w: (counts[w], w),
            "tokens of equal frequency come in the order of the text; it should be the alphabet": lambda w: (
                -counts[w],
                first.index(w),
            ),
            "the order is alphabetical throughout; frequency comes first, the alphabet decides ties": lambda w: w,
            "the order is that of the text; it should be by falling frequency": first.index,
            "the longest tokens come first; it should be the most frequent": lambda w: (-len(w), w),
        }.items():
            assert got != sorted(words, key=slip), order
        backwards = sorted(words, key=lambda w: (counts[w], w), reverse=True)
        assert got != backwards, (
            "tokens of equal frequency come in backward alphabetical order: reverse=True turns that round too"
        )
        assert [counts[w] for w in got] == [counts[w] for w in want], "the order is not by falling frequency"
        raise AssertionError("tokens of equal frequency should stand in alphabetical order")


def test_ranking_does_not_count_a_special_of_the_text_twice(Vocabulary, rng):
    a, b = _words(rng, 2)
    for special in SPECIALS:
        try:
            got = _ranked(Vocabulary, [special, a, special, b, special, a])
        except ValueError as error:
            raise AssertionError(
                "a text that holds a special such as EOS is refused: it has its place already; do not list it again"
            ) from error
        assert got == [*SPECIALS, a, b], (
            "a text that holds a special such as EOS: it keeps its place among the first four"
        )


def test_ranking_drops_what_is_rarer_than_min_count(Vocabulary, rng):
    words = _words(rng, 5)
    text = [w for count, w in enumerate(words, start=1) for _ in range(count)]
    assert _ranked(Vocabulary, text) == [*SPECIALS, *words[::-1]], "without min_count, every token of the text stays"
    for least in (2, 3, 4):
        got = _ranked(Vocabulary, text, min_count=least)[4:]
        want = words[: least - 2 : -1]
        assert got != words[::-1], "min_count is ignored"
        assert got != words[: least - 1 : -1], "tokens seen exactly min_count times should stay"
        assert got == want, "min_count should leave out the tokens seen less often, and only those"
    assert _ranked(Vocabulary, words, min_count=2) == SPECIALS, "when every token is too rare, the specials remain"


def test_ranking_keeps_the_most_frequent_up_to_max_size(Vocabulary, rng):
    words = _words(rng, 6)
    text = [w for count, w in enumerate(words, start=1) for _ in range(count)]
    whole = [*SPECIALS, *words[::-1]]
    for size in (5, 7, 9):
        got = _ranked(Vocabulary, text, max_size=size)
        assert got != whole, "max_size is ignored"
        assert got != whole[: size + 4], "max_size is the size of the whole vocabulary, the four specials included"
        assert got[:4] == SPECIALS, "max_size should drop rare tokens, never a special"
        assert got == whole[:size], "max_size should keep the specials and then the most frequent tokens"
    try:
        got = _ranked(Vocabulary, text, max_size=4)
    except ValueError as error:
        raise AssertionError(
            "max_size=4 is refused; it leaves room for the specials and is legal. Only less than 4 is refused"
        ) from error
    assert got == SPECIALS, "max_size=4 leaves room for the specials alone"
    assert _ranked(Vocabulary, text, max_size=99) == whole, "a max_size larger than needed changes nothing"
    assert _ranked(Vocabulary, words, max_size=7) == [*SPECIALS, *sorted(words)[:3]], (
        "max_size: of equally frequent tokens, the last in the alphabet go first"
    )
    got = _ranked(Vocabulary, text, max_size=9, min_count=4)
    assert got == whole[:7], "min_count and max_size together: a token must pass both"
    got = _ranked(Vocabulary, text, max_size=6, min_count=2)
    assert got == whole[:6], "min_count and max_size together: a token must pass both"


def test_ranking_refuses_a_size_without_room_for_the_specials(Vocabulary, rng):
    words = _words(rng, 3)
    for size in (0, 3):
        _refused(
            lambda size=size: Vocabulary(words, max_size=size),
            ValueError,
            f"max_size={size}, less than the four specials,",
        )


def test_ranking_refuses_a_text_that_was_not_split(Vocabulary, rng):
    text = " ".join(_words(rng, 2))
    _refused(lambda: Vocabulary(text), TypeError, "a string in place of a list of tokens")


def test_ranking_of_nothing_is_the_specials(Vocabulary):
    assert _ranked(Vocabulary, []) == SPECIALS, "without any tokens the specials alone should remain"


def test_ranking_leaves_the_text_alone(Vocabulary, rng):
    text = _words(rng, 5) * 2
    before = list(text)
    _ranked(Vocabulary, text)
    assert text == before, "the list of tokens was changed in place; sort a copy"


def test_ranking_gives_the_length_and_what_is_inside(Vocabulary, rng):
    words = _words(rng, 5)
    vocab = Vocabulary(words[:4])
    assert len(vocab) == 8 and words[0] in vocab and "<UNK>" in vocab and words[4] not in vocab, (
        "len(vocab) and `token in vocab` were given: leave them, and let self._number set tokens and indices"
    )
    assert all(vocab.indices[token] == index for index, token in enumerate(vocab.tokens)), (
        "indices should hold the index of each token: self._number sets it"
    )


def test_encode_gives_each_known_token_its_index(Vocabulary, rng):
    words = _words(rng, 7)
    vocab = _listed(Vocabulary, words)
    zero = "Python takes the index 0 of a known token for false (`get(token) or ...` does so too)"
    # The token with index 0 comes last: only then is a slip with it told apart from others.
    for picked in ([3, 1, 6], [int(i) for i in rng.integers(1, 7, size=12)], [6], list(range(7))):
        try:
            got = vocab.encode([words[i] for i in picked])
        except (KeyError, ValueError) as error:
            assert 0 not in picked, f"encode: {zero}; it ends in {type(error).__name__}"
            raise AssertionError(
                f"encode: known tokens end in {type(error).__name__} when the vocabulary has no UNK; "
                "look up the index of UNK only for a token that is unknown"
            ) from error
        if 0 in picked and isinstance(got, list):
            assert got[:1] == [0], f"encode: {zero}"
        _plain_list(got, "encode", int, "int")
        assert len(picked) == 1 or got != picked[:1], (
            "encode gives only the first token's index: is the return inside the loop?"
        )
        assert len(got) == len(picked), "encode should give one index for each token"
        assert got != [i + 1 for i in picked], "encode counts from 1; the first token has index 0"
        assert got == picked, "encode gives a known token another index than indices[token]"


def test_encode_gives_unknown_tokens_the_index_of_unk(Vocabulary, rng):
    *words, stranger, other = _words(rng, 7)
    for place in (0, 1, 3, 5):
        listed = [*words[:place], "<UNK>", *words[place:]]
        vocab = _listed(Vocabulary, listed)
        try:
            got = vocab.encode([words[2], stranger, words[4], other, stranger])
        except KeyError:
            raise AssertionError(
                "an unknown token ends in KeyError; encode should give it the index of UNK. Does dict.get help?"
            ) from None
        except ValueError:
            raise AssertionError(
                f"encode refuses an unknown token though the vocabulary has UNK, at index {place}. "
                "Mind that Python takes the index 0 for false"
            ) from None
        _plain_list(got, "encode", int, "int")
        a, b = listed.index(words[2]), listed.index(words[4])
        assert got != [a, b], "encode skips unknown tokens; each should become the index of UNK"
        if place != 1:
            assert got != [a, 1, b, 1, 1], "the index of UNK is not always 1: look it up in this vocabulary"
        if place != 0:
            assert got != [a, 0, b, 0, 0], "unknown tokens become 0, which is padding; it should be the index of UNK"
        unk = len(listed)
        assert got != [a, unk, b, unk, unk], (
            "unknown tokens get an index beyond the vocabulary; it should be that of UNK"
        )
        assert got == [a, place, b, place, place], "unknown tokens should get the index of UNK, known ones their own"
        assert list(vocab.tokens) == listed, "encode changes the vocabulary: an unknown token should not be added to it"


def test_encode_refuses_an_unknown_token_without_unk(Vocabulary, rng):
    *words, stranger = _words(rng, 4)
    vocab = _listed(Vocabulary, words)
    _refused(
        lambda: vocab.encode([words[0], stranger]),
        ValueError,
        "encode: an unknown token, in a vocabulary without UNK,",
    )
    assert vocab.encode(words[::-1]) == [2, 1, 0], "encode: without UNK, known tokens should still be encoded"


def test_encode_refuses_a_text_that_was_not_split(Vocabulary, rng):
    vocab = _listed(Vocabulary, ["<UNK>", *_words(rng, 3)])
    _refused(lambda: vocab.encode(vocab.tokens[1]), TypeError, "encode: a string in place of a list of tokens")


def test_encode_of_nothing_is_nothing(Vocabulary, rng):
    got = _listed(Vocabulary, _words(rng, 3)).encode([])
    assert isinstance(got, list) and got == [], "encode: no tokens should give an empty list"


def test_decode_gives_each_index_its_token(Vocabulary, rng):
    listed = ["<PAD>", *_words(rng, 5), "<UNK>", "<EOS>"]
    vocab = _listed(Vocabulary, listed)
    for picked in (list(range(8)), [int(i) for i in rng.integers(8, size=12)], [7]):
        got = vocab.decode(picked)
        assert not isinstance(got, str), "decode joins the tokens to a string; expected a list of tokens"
        _plain_list(got, "decode", str, "str")
        want = [listed[i] for i in picked]
        assert len(want) == 1 or got != want[:1], (
            "decode gives only the first index's token: is the return inside the loop?"
        )
        assert got != [t for t in want if t not in SPECIALS] or got == want, (
            "decode leaves out specials; they should be among the tokens"
        )
        assert got == want, "decode gives another token than tokens[index]"
    for indices, what in (
        (np.array([3, 1]), "decode: the indices may also be a NumPy array"),
        ([], "decode: no indices should give an empty list"),
    ):
        try:
            got = vocab.decode(indices)
        except (IndexError, ValueError) as error:
            raise AssertionError(f"{what}; it ends in {type(error).__name__}") from error
        assert got == [listed[i] for i in indices], what


def test_decode_refuses_what_is_no_index(Vocabulary, rng):
    vocab = _listed(Vocabulary, _words(rng, 5))
    for index in (5, 6, 99):
        _refused(lambda index=index: vocab.decode([0, index]), ValueError, "decode: an index of V or more")
    for index in (-1, -5, -6):
        _refused(
            lambda index=index: vocab.decode([index, 0]),
            ValueError,
            "decode: a negative index (Python counts it from the end)",
        )


# --- one_hot ----------------------------------------------------------------------------------------------------


def _array(got, shape, dtype, name, letters):
    """Fail unless got is an array of this shape whose dtype is of the kind: f float64, i integers, b bool."""
    assert got is not None, f"{name} is None; expected an array of shape {letters}. Is there a return?"
    assert isinstance(got, np.ndarray), f"{name} is a {type(got).__name__}; expected an array of shape {letters}"
    assert got.shape == shape, f"{name} has shape {got.shape}; expected {letters} = {shape}"
    want = {"f": "float64", "i": "integers", "b": "bool"}[dtype]
    fits = {"f": got.dtype == np.float64, "i": np.issubdtype(got.dtype, np.integer), "b": got.dtype == bool}[dtype]
    assert fits, f"{name} has dtype {got.dtype}; expected {want}"


def test_rows_have_their_1_at_the_index(one_hot, rng):
    for shape, letters in (((5,), "(T, V)"), ((4, 3), "(T, B, V)"), ((2, 5, 3), "indices' shape and V")):
        V = 7
        indices = rng.integers(V, size=shape)
        indices.flat[0] = 0
        indices.flat[1] = V - 1
        try:
            got = one_hot(indices.copy(), V)
        except (IndexError, TypeError, ValueError) as error:
            raise AssertionError(
                f"indices may have any shape; with {len(shape)} axes it ends in {type(error).__name__}"
            ) from error
        want = np.zeros((*shape, V))
        for place in np.ndindex(shape):
            want[(*place, indices[place])] = 1
        if isinstance(got, np.ndarray) and got.shape == (V, *shape):
            raise AssertionError("the axis of width V comes first; it should be the last one")
        _array(got, (*shape, V), "f", "the result", letters)
        assert not np.array_equal(got, np.roll(want, -1, axis=-1)), (
            "every 1 stands one place too early: index 0 is the first"
        )
        assert not np.array_equal(got, np.roll(want, 1, axis=-1)), (
            "every 1 stands one place too late: index 0 is the first"
        )
        assert not np.array_equal(got, 1 - want), "ones and zeros are exchanged"
        assert np.array_equal(got.sum(axis=-1), np.ones(shape)), "each row should hold a single 1, the rest zeros"
        assert np.array_equal(got, want), "the 1 should stand at the index"


def test_the_width_is_V_whatever_the_indices(one_hot, rng):
    V = int(rng.integers(6, 12))
    got = one_hot([2, 0, 2], V)
    if isinstance(got, np.ndarray) and got.shape == (3, 3):
        raise AssertionError(
            "the width comes from the largest index; it should be V, also when the last tokens do not occur"
        )
    _array(got, (3, V), "f", "the result", "(T, V)")
    _array(one_hot([[1], [0]], V), (2, 1, V), "f", "the result", "(T, B, V)")


def test_no_indices_give_no_rows(one_hot):
    _array(one_hot([], 5), (0, 5), "f", "of no indices the result", "(0, V)")
    _array(one_hot(np.zeros((0, 3), dtype=int), 5), (0, 3, 5), "f", "of no indices the result", "(0, B, V)")


def test_indices_outside_the_vocabulary_are_refused(one_hot, rng):
    V = int(rng.integers(4, 9))
    for index in (V, V + 3):
        _refused(lambda index=index: one_hot([0, index, 1], V), ValueError, "an index of V or more")
    for index in (-1, -V, -V - 1):
        _refused(
            lambda index=index: one_hot([0, index, 1], V), ValueError, "a negative index (NumPy counts it from the end)"
        )
    _refused(lambda: one_hot([[0, 1], [V, 1]], V), ValueError, "an index of V or more, in a batch,")


def test_one_hot_leaves_the_indices_alone(one_hot, rng):
    args = {"indices": rng.integers(5, size=(4, 3))}
    before = {"indices": args["indices"].copy()}
    one_hot(args["indices"], 5)
    expect_unchanged(before, args)


# --- pad_and_mask -----------------------------------------------------------------------------------------------


def _padded(pad_and_mask, sequences, *pad):
    got = pad_and_mask([list(s) for s in sequences], *pad)
    assert got is not None, "returned None; expected padded, mask and lengths. Is there a return?"
    assert isinstance(got, tuple | list) and len(got) == 3, (
        "expected three results: padded, mask, lengths, in this order"
    )
    T, B = max(map(len, sequences)), len(sequences)
    padded, mask, lengths = got
    if isinstance(padded, np.ndarray) and padded.shape != (T, B):
        assert padded.shape != (B, T), "padded has shape (B, T): each sequence should be a column, read downwards"
        assert padded.shape != (len(sequences[0]), B) or len(sequences[0]) == min(map(len, sequences)), (
            "padded is as long as the first sequence; T is the length of the longest"
        )
        assert padded.shape != (min(map(len, sequences)), B), (
            "padded is as long as the shortest sequence; T is the length of the longest"
        )
    _array(padded, (T, B), "i", "padded", "(T, B)")
    _array(mask, (T, B), "b", "mask", "(T, B)")
    _array(lengths, (B,), "i", "lengths", "(B,)")
    return padded, mask, lengths


def _ragged(rng, lengths, low=1, high=50):
    return [[int(i) for i in rng.integers(low, high, size=n)] for n in lengths]


def test_every_sequence_stands_at_the_top_of_its_column(pad_and_mask, rng):
    for lengths in ((3, 7, 1, 4), (2, 5), (6, 1, 6)):
        sequences = _ragged(rng, lengths)
        try:
            padded, mask, found = _padded(pad_and_mask, sequences)
        except (IndexError, ValueError) as error:
            raise AssertionError(
                f"sequences of different lengths end in {type(error).__name__} ({error}). "
                "Is T the length of the longest, not of the first?"
            ) from error
        assert not all(padded[len(padded) - len(s) :, b].tolist() == s for b, s in enumerate(sequences)), (
            "the padding stands before the sequences; it belongs after their end"
        )
        by_length = sorted(sequences, key=len, reverse=True)
        assert by_length == sequences or not all(padded[: len(s), b].tolist() == s for b, s in enumerate(by_length)), (
            "the columns are sorted by length; they should keep the order of the sequences"
        )
        for b, sequence in enumerate(sequences):
            top = padded[: len(sequence), b].tolist()
            assert top == sequence or top != sequence[::-1], "each sequence stands backwards in its column"
            assert top == sequence, "column b should begin with sequence b, token by token"
            assert not padded[len(sequence) :, b].any(), "without pad, what stands after the end should be 0"
        assert not np.array_equal(found, [len(padded)] * len(sequences)), (
            "lengths should hold each sequence's own length"
        )
        assert found.tolist() == list(lengths), "lengths should hold the length of each sequence"
        real = np.arange(len(padded))[:, None] < np.array(lengths)
        assert not np.array_equal(mask, np.arange(len(padded))[:, None] <= np.array(lengths)), (
            "the mask is True for one row too many of each column: a row is real while row < length, not <="
        )
        assert not np.array_equal(mask, ~real), "the mask is the wrong way round: True where a token stands"
        assert np.array_equal(mask, real), (
            "the mask should be True for the first lengths[b] rows of column b, else False"
        )


def test_the_padding_is_what_was_asked_for(pad_and_mask, rng):
    lengths = (2, 6, 4)
    sequences = _ragged(rng, lengths)
    for pad in (0, -1, 99):
        padded, mask, _ = _padded(pad_and_mask, sequences, pad)
        real = np.arange(6)[:, None] < np.array(lengths)
        assert pad == 0 or padded[~real].any(), "pad is ignored: the padding is 0"
        assert (padded[~real] == pad).all(), "after the end of a sequence pad should stand"
        assert np.array_equal(mask, real), "the mask depends on pad; it should depend on the lengths alone"


def test_a_token_that_equals_the_padding_is_a_token(pad_and_mask, rng):
    pad = int(rng.integers(2, 9))
    sequences = [[pad, 1], [1, pad, 1, pad, pad], [pad] * 3]
    padded, mask, lengths = _padded(pad_and_mask, sequences, pad)
    assert not np.array_equal(mask, padded != pad), (
        "the mask is False where a token happens to equal pad: take it from the lengths, not from padded"
    )
    assert lengths.tolist() == [2, 5, 3], "tokens that happen to equal pad count for the length"
    assert mask.sum(axis=0).tolist() == [2, 5, 3], "the mask should be True for the first lengths[b] rows of column b"


def test_an_empty_sequence_is_a_column_of_padding(pad_and_mask, rng):
    sequences = [[], *_ragged(rng, (4, 2)), []]
    padded, mask, lengths = _padded(pad_and_mask, sequences)
    assert lengths.tolist() == [0, 4, 2, 0], "the length of an empty sequence is 0"
    assert not mask[:, [0, 3]].any() and not padded[:, [0, 3]].any(), "an empty sequence is a column of padding alone"
    padded, mask, lengths = _padded(pad_and_mask, [[], []])
    assert lengths.tolist() == [0, 0], "two empty sequences make T = 0, and lengths of 0"


def test_one_sequence_or_equal_lengths_need_no_padding(pad_and_mask, rng):
    for lengths in ((5,), (4, 4, 4)):
        sequences = _ragged(rng, lengths)
        padded, mask, found = _padded(pad_and_mask, sequences)
        assert np.array_equal(padded, np.array(sequences).T) and mask.all() and found.tolist() == list(lengths), (
            "sequences of equal length should stand side by side without padding"
        )


def test_no_sequences_are_refused(pad_and_mask):
    _refused(lambda: pad_and_mask([]), ValueError, "an empty list of sequences")


def test_padding_leaves_the_sequences_alone(pad_and_mask, rng):
    sequences = _ragged(rng, (2, 4))
    before = [list(s) for s in sequences]
    pad_and_mask(sequences)
    assert sequences == before, "the sequences were changed in place; write the padding into an array of your own"
    arrays = [np.array(s) for s in before]
    padded, _, _ = pad_and_mask(arrays)
    assert [padded[: len(s), b].tolist() for b, s in enumerate(before)] == before, (
        "the sequences may also be NumPy arrays"
    )


# --- bag_of_words -----------------------------------------------------------------------------------------------


def _bag(bag_of_words, indices, V):
    got = bag_of_words(indices, V)
    assert got is not None, "returned None; expected an array of V counts. Is there a return?"
    assert not isinstance(got, dict), "returned a dict; expected an array of V counts, zeros included"
    if isinstance(got, np.ndarray) and got.ndim == 1 and len(indices):
        assert got.shape != (max(indices) + 1,) or got.shape == (V,), (
            "the bag ends at the largest index; it should have V entries, also when the last tokens do not occur"
        )
        assert got.shape != (len(indices),) or got.shape == (V,), (
            "one entry per token; expected one per index, V of them"
        )
    _array(got, (V,), "i", "the bag", "(V,)")
    return got


def test_every_index_is_counted(bag_of_words, rng):
    V = int(rng.integers(8, 12))
    indices = [int(i) for i in rng.permutation([0, 0, 0, 2, 3, 3, 5, 5, 5, 5])]
    want = [indices.count(v) for v in range(V)]
    got = _bag(bag_of_words, list(indices), V)
    assert got.sum() != 1, "only the first index is counted: is the return inside the loop?"
    assert not np.array_equal(got, np.minimum(want, 1)), (
        "the bag says only whether an index occurs; how often is asked for"
    )
    assert not np.array_equal(got, np.roll(want, 1)) and not np.array_equal(got, np.roll(want, -1)), (
        "every count stands one place off: entry i counts index i, from 0 on"
    )
    without_padding = [0, *want[1:]]
    assert not np.array_equal(got, without_padding), "index 0 is not counted; it is an index like any other"
    assert np.array_equal(got, want), "entry i should be how often index i occurs"
    assert np.array_equal(_bag(bag_of_words, np.array(indices), V), want), "the indices may also be a NumPy array"
    assert np.array_equal(_bag(bag_of_words, [V - 1, V - 1], V)[[0, V - 1]], [0, 2]), (
        "the last index, V - 1, is counted wrongly"
    )


def test_order_is_lost_and_bags_add_up(bag_of_words, rng):
    V = 9
    first, second = ([int(i) for i in rng.integers(V, size=n)] for n in (7, 12))
    bag = _bag(bag_of_words, first, V)
    again = _bag(bag_of_words, [first[i] for i in rng.permutation(7)], V)
    assert np.array_equal(bag, again), "the same indices in another order should give the same bag"
    both = _bag(bag_of_words, first + second, V)
    assert np.array_equal(both, bag + _bag(bag_of_words, second, V)), (
        "the bag of two texts should be the sum of their bags"
    )
    assert both.sum() == 19, "the entries should add up to the number of tokens"


def test_the_bag_of_nothing_is_zeros(bag_of_words, rng):
    V = int(rng.integers(3, 9))
    for nothing in ([], np.array([], dtype=int)):
        assert not _bag(bag_of_words, nothing, V).any(), "no indices should give V zeros"


def test_indices_without_a_place_are_refused(bag_of_words, rng):
    V = int(rng.integers(4, 9))
    for index in (V, V + 4):
        _refused(lambda index=index: bag_of_words([0, index], V), ValueError, "an index of V or more")
    for index in (-1, -V):
        _refused(
            lambda index=index: bag_of_words([0, index], V),
            ValueError,
            "a negative index (NumPy counts it from the end)",
        )


def test_counting_leaves_the_indices_alone(bag_of_words, rng):
    indices = [int(i) for i in rng.integers(5, size=8)]
    before = list(indices)
    bag_of_words(indices, 5)
    assert indices == before, "the list of indices was changed in place; work on a copy"


# --- ngram_counts -----------------------------------------------------------------------------------------------


def _counter(got, n):
    """Fail unless got is a Counter whose keys are tuples of n tokens."""
    assert got is not None, "returned None; expected a Counter. Is there a return?"
    assert isinstance(got, Counter), (
        f"returned a {type(got).__name__}; expected a collections.Counter, in which a run never seen counts 0"
    )
    for key in got:
        hint = ", for one token (token,), with a comma" if n == 1 else ""
        assert isinstance(key, tuple), f"the keys should be tuples{hint}; found a {type(key).__name__}"
        assert len(key) == n, f"the keys should be tuples of length {n} here; found one of length {len(key)}"
    return got


def _runs(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def test_every_run_is_counted_where_it_starts(ngram_counts, rng):
    words = _words(rng, 3)
    for n in (1, 2, 3, 4):
        tokens = [words[i] for i in (0, 1, 0, 1, 0, 2, 2, 2, 1, 0, 1)]
        want = _runs(tokens, n)
        got = _counter(ngram_counts(list(tokens), n), n)
        if got == want:
            continue
        assert got.total() != 1, "only the first run is counted: is the return inside the loop?"
        assert got != _runs(tokens[:-1], n), f"n = {n}: the last run of the text is missing"
        assert got != _runs(tokens[1:], n), f"n = {n}: the first run of the text is missing"
        assert got != _runs(tokens + tokens[: n - 1], n), (
            f"n = {n}: runs go round from the end of the text to its beginning"
        )
        apart = Counter(tuple(tokens[i : i + n]) for i in range(0, len(tokens) - n + 1, n))
        assert got != apart, f"n = {n}: the runs do not overlap; one starts at every token"
        assert got != Counter(want.keys()), f"n = {n}: every run counts once; how often it occurs is asked for"
        assert got != Counter(tuple(sorted(run)) for run in want.elements()), f"n = {n}: the order within a run is lost"
        assert got != Counter(run[::-1] for run in want.elements()), f"n = {n}: the runs stand backwards"
        raise AssertionError(f"n = {n}: the counts differ from the number of places where each run stands")


def test_tokens_may_be_numbers_and_any_size_of_text(ngram_counts, rng):
    for length in (2, 3, 17):
        tokens = [int(i) for i in rng.integers(4, size=length)]
        for n in (1, 2):
            assert _counter(ngram_counts(list(tokens), n), n) == _runs(tokens, n), (
                "the tokens may be numbers as well; their runs are counted wrongly"
            )


def test_a_text_shorter_than_n_has_no_runs(ngram_counts, rng):
    words = _words(rng, 3)
    for tokens, n in ((words, 4), (words[:1], 2), ([], 1), ([], 3)):
        got = _counter(ngram_counts(list(tokens), n), n)
        assert not got, "a text of fewer than n tokens has no run of n tokens: the Counter should be empty"
    assert ngram_counts(list(words), 3) == Counter([tuple(words)]), "a text of exactly n tokens is one run"


def test_counting_runs_leaves_the_tokens_alone(ngram_counts, rng):
    tokens = _words(rng, 5)
    before = list(tokens)
    ngram_counts(tokens, 2)
    assert tokens == before, "the list of tokens was changed in place; work on a copy"


# --- context_counts ---------------------------------------------------------------------------------------------


def test_counts_are_summed_over_the_last_token(context_counts, rng):
    words = _words(rng, 3)
    for n in (2, 3, 4):
        counts = _runs([words[i] for i in rng.integers(3, size=40)], n)
        want = Counter()
        for run, count in counts.items():
            want[run[:-1]] += count
        got = context_counts(Counter(counts))
        run = next(iter(counts))
        assert got != Counter({run[:-1]: counts[run]}), "only the first run is added: is the return inside the loop?"
        # With long runs every one may occur once; then nothing can be told.
        assert got == want or got != Counter(run[:-1] for run in counts), (
            "every run counts once; its count should be added (how often, not how many different tokens follow)"
        )
        got = _counter(got, n - 1)
        last = {}
        for run, count in counts.items():
            last[run[:-1]] = count
        assert got == want or got != Counter(last), (
            "a context's counts overwrite each other, only the last is kept: add them up, += and not ="
        )
        dropped_first = Counter()
        for run, count in counts.items():
            dropped_first[run[1:]] += count
        assert got == want or got != dropped_first, (
            "the first token is left out; the context is a run without its last token"
        )
        assert got == want, f"n = {n}: a context's count should be the sum over everything that follows it"


def test_the_end_of_the_text_is_no_context(context_counts, rng):
    a, b, c = _words(rng, 3)
    got = context_counts(_runs([a, b, a, b, c], 2))
    assert got is not None, "returned None; expected a Counter. Is there a return?"
    assert (c,) not in got, "the last token of the text is followed by nothing, so it is no context"


def test_single_tokens_have_the_empty_context(context_counts, rng):
    tokens = _words(rng, 4) * 3
    got = context_counts(_runs(tokens, 1))
    assert got is not None, "returned None; expected a Counter. Is there a return?"
    assert got == Counter({(): 12}), "with n = 1 the only context is the empty tuple (), and it counts all tokens"
    nothing = context_counts(Counter())
    assert isinstance(nothing, Counter) and not nothing, "no runs should give an empty Counter"


def test_counts_may_be_anything_from_1(context_counts, rng):
    a, b, c = _words(rng, 3)
    x, y, z = (int(i) for i in rng.integers(5, 90, size=3))
    counts = Counter({(a, b): x, (a, c): y, (b, a): z})
    before = Counter(counts)
    got = _counter(context_counts(counts), 1)
    assert got == Counter({(a,): x + y, (b,): z}), "a context's count should be the sum over everything that follows it"
    assert counts == before, "the counts were changed in place; add up in a Counter of your own"


# --- ngram_probability ------------------------------------------------------------------------------------------


def _chance(got):
    assert got is not None, "returned None; expected a probability. Is there a return?"
    assert isinstance(got, float | int | np.number) and not isinstance(got, bool), (
        f"returned a {type(got).__name__}; expected one number"
    )
    return float(got)


def test_the_probability_follows_the_formula(ngram_probability, rng):
    words = _words(rng, 4)
    found, asked = [], []
    for n in (1, 2, 3):
        tokens = [words[i] for i in rng.integers(3, size=30)]
        counts = _runs(tokens, n)
        contexts = Counter()
        for run, count in counts.items():
            contexts[run[:-1]] += count
        before = dict(counts), dict(contexts)
        seen = next(iter(counts))
        for ngram in (seen, (*seen[:-1], words[3])):
            for k in (1.0, 0.25, 2.5):
                V = int(rng.integers(7, 15))
                found.append(_chance(ngram_probability(ngram, counts, contexts, V=V, k=k)))
                assert (dict(counts), dict(contexts)) == before, (
                    "asking for a probability changed the counts; only look them up"
                )
                sizes = counts.total(), len(counts), len(contexts), contexts[ngram[1:]]
                asked.append((counts[ngram], contexts[ngram[:-1]], V, k, *sizes))
    # A slip is named only if it explains every number.
    N, C, V, k, total, runs, kinds, last = np.array(asked, dtype=float).T
    expect_close(
        np.array(found),
        (N + k) / (C + k * V),
        "the probability differs from (count + k) / (context count + k V)",
        {
            "brackets are missing: / comes before +, so write (count + k) / (...)": N + k / (C + k * V),
            "brackets are missing above and below: / comes before +": N + k / C + k * V,
            "brackets are missing below: / comes before +, so write ... / (count + k V)": (N + k) / C + k * V,
            "k is not added to the count of the n-gram": N / (C + k * V),
            "k V is not added below: every one of the V tokens is counted k times more": (N + k) / C,
            "below, k is added once; it should be k for each of the V tokens, k V": (N + k) / (C + k),
            "below, V is added without k": (N + k) / (C + V),
            "above, 1 is added; it should be k": (N + 1) / (C + k * V),
            "there is no smoothing: add k above and k V below": N / C,
            "k is ignored: it should be added in place of 1": (N + 1) / (C + V),
            "divided by the number of all runs; it should be how often the context was followed": (N + k)
            / (total + k * V),
            "the number of different n-grams is used for V": (N + k) / (C + k * runs),
            "the number of different contexts is used for V": (N + k) / (C + k * kinds),
            "the context is the n-gram without its last token, not without its first": (N + k) / (last + k * V),
            "this is the logarithm; the probability is asked for": np.log((N + k) / (C + k * V)),
            "the context counts 0: its key is a tuple, of the n - 1 tokens before the last": (N + k) / (k * V),
            "k is multiplied by the count; it should be added": N * k / (C + k * V),
        },
    )


def test_adding_one_is_the_default(ngram_probability, rng):
    a, b = _words(rng, 2)
    counts, contexts = Counter({(a, b): 3, (a, a): 1}), Counter({(a,): 4})
    got = _chance(ngram_probability((a, b), counts, contexts, V=6))
    assert not np.isclose(got, 3 / 4), "without k there should be smoothing all the same: k is 1 unless given"
    assert np.isclose(got, 4 / 10), "without k given, it should be 1"


def test_probabilities_after_any_context_add_up_to_1(ngram_probability, rng):
    words = _words(rng, 5)
    for n in (1, 2, 3):
        counts = _runs([words[i] for i in rng.integers(4, size=25)], n)
        contexts = Counter()
        for run, count in counts.items():
            contexts[run[:-1]] += count
        for context in [*contexts, tuple(words[4:]) * (n - 1)]:
            try:
                chances = [_chance(ngram_probability((*context, w), counts, contexts, V=5, k=0.3)) for w in words]
            except (KeyError, ValueError, ZeroDivisionError) as error:
                raise AssertionError(
                    f"with k above 0 no context should be refused, seen or not; it ends in {type(error).__name__}"
                ) from error
            assert min(chances) > 0, "with smoothing, no token should have probability 0, seen or not"
            assert np.isclose(sum(chances), 1), "after a context, seen or not, the V probabilities should add up to 1"


def test_without_smoothing_it_is_the_relative_frequency(ngram_probability, rng):
    a, b, c, d = _words(rng, 4)
    counts, contexts = Counter({(a, b): 3, (a, c): 5, (b, a): 2}), Counter({(a,): 8, (b,): 2})
    got = _chance(ngram_probability((a, b), counts, contexts, V=9, k=0))
    assert np.isclose(got, 3 / 8), "with k = 0 it is count / context count"
    unseen = "with k = 0, a token never seen after a context that was seen has probability 0"
    try:
        got = _chance(ngram_probability((a, d), counts, contexts, V=9, k=0))
    except ValueError as error:
        raise AssertionError(f"{unseen}; it is refused") from error
    assert got == 0, unseen
    _refused(
        lambda: ngram_probability((d, a), counts, contexts, V=9, k=0),
        ValueError,
        "with k = 0, a context never seen",
    )


def test_asking_changes_no_count(ngram_probability, rng):
    a, b, c = _words(rng, 3)
    counts, contexts = Counter({(a, b): 2}), Counter({(a,): 2})
    before = Counter(counts), Counter(contexts)
    for ngram in ((a, b), (a, c), (c, a)):
        ngram_probability(ngram, counts, contexts, V=3)
    assert (dict(counts), dict(contexts)) == tuple(map(dict, before)), (
        "asking for a probability changed the counts; only look them up"
    )
