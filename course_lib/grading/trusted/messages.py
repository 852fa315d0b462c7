"""What a student may read when a test fails: the slip's name, never a hidden input or an expected value.

A message comes from three hands. The instructor's assertions are written not to hold values; they are passed on, less
anything that looks like one. Messages of Python and NumPy pass only in the forms listed in `SAFE`, and only with sizes
that the test itself had sent. Everything else that the student's code says is dropped in a hidden test, because
``raise ValueError(str(args))`` is all it takes to read its inputs.

What remains: which test failed, which of Python's exceptions was raised, and small sizes. A student who tries can
learn a few dozen bits about inputs drawn for them alone.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable

MAX_MESSAGE = 600
MAX_VISIBLE = 2000
MAX_INTEGERS = 12
MAX_SAFE = 240

_SHAPE = r"\((?:\d+,?(?:,\d+)*)?\)"
_WORD = r"[A-Za-z_][\w.<>]*"
SAFE = [
    re.compile(pattern)
    for pattern in (
        rf"name '{_WORD}' is not defined(?=$|\. Did you mean)",
        rf"cannot access local variable '{_WORD}' where it is not associated with a value",
        rf"{_WORD}\(\) missing \d+ required (?:positional|keyword-only) arguments?: '[\w', and]+'",
        rf"{_WORD}\(\) takes (?:from )?\d+(?: to \d+)? positional arguments? but \d+ (?:was|were) given",
        rf"{_WORD}\(\) got (?:an unexpected keyword argument|multiple values for argument) '{_WORD}'",
        rf"No module named '{_WORD}'",
        rf"module '{_WORD}' has no attribute '{_WORD}'(?=$|\. Did you mean)",
        rf"'{_WORD}' object has no attribute '{_WORD}'(?=$|\. Did you mean)",
        rf"'{_WORD}' object is not (?:iterable|callable|subscriptable)",
        rf"'{_WORD}' object does not support item assignment",
        rf"unsupported operand type\(s\) for [-+*/@%&|<>=^]+: '{_WORD}' and '{_WORD}'",
        rf"object of type '{_WORD}' has no len\(\)",
        rf"unhashable type: '{_WORD}'",
        r"(?:list|string) index out of range",
        r"tuple index out of range",
        r"division by zero",
        r"float division by zero",
        r"(?:min|max)\(\) (?:arg is an empty sequence|iterable argument is empty)",
        r"zero-size array to reduction operation (?:minimum|maximum) which has no identity",
        r"maximum recursion depth exceeded",
        r"too many values to unpack \(expected \d+\)",
        r"not enough values to unpack \(expected \d+, got \d+\)",
        r"only integer scalar arrays can be converted to a scalar index",
        r"arrays used as indices must be of integer \(or boolean\) type",
        r"The truth value of an array with more than one element is ambiguous\. Use a\.any\(\) or a\.all\(\)",
        r"assignment destination is read-only",
        r"output array is read-only",
        rf"operands could not be broadcast together with shapes(?: {_SHAPE}){{2,3}}",
        r"matmul: Input operand \d has a mismatch in its core dimension \d, with gufunc signature "
        r"\(n\?,k\),\(k,m\?\)->\(n\?,m\?\) \(size \d+ is different from \d+\)",
        r"matmul: Input operand \d does not have enough dimensions \(has \d+, gufunc core with signature "
        r"\(n\?,k\),\(k,m\?\)->\(n\?,m\?\) requires \d+\)",
        rf"shapes {_SHAPE} and {_SHAPE} not aligned: \d+ \(dim \d+\) != \d+ \(dim \d+\)",
        rf"cannot reshape array of size \d+ into shape {_SHAPE}",
        rf"could not broadcast input array from shape {_SHAPE} into shape {_SHAPE}",
        rf"non-broadcastable output operand with shape {_SHAPE} doesn't match the broadcast shape {_SHAPE}",
        r"index -?\d+ is out of bounds for axis \d+ with size \d+",
        r"axis -?\d+ is out of bounds for array of dimension \d+",
        r"too many indices for array: array is \d+-dimensional, but \d+ were indexed",
        r"all the input array dimensions except for the concatenation axis must match exactly, but along dimension "
        r"\d+, the array at index \d+ has size \d+ and the array at index \d+ has size \d+",
        r"all the input arrays must have same number of dimensions, but the array at index \d+ has \d+ "
        r"dimension\(s\) and the array at index \d+ has \d+ dimension\(s\)",
        r"all input arrays must have the same shape",
        r"need at least one array to (?:concatenate|stack)",
        r"axes don't match array",
        r"boolean index did not match indexed array along (?:dimension|axis) \d+; (?:dimension|size of axis) is \d+ "
        r"but (?:corresponding boolean dimension|size of corresponding boolean axis) is \d+",
    )
]
_KNOWN_WORDS = frozenset(dir(builtins)) | frozenset(
    [
        "numpy",
        "ndarray",
        "NoneType",
        "function",
        "method",
        "module",
        "generator",
        "float64",
        "float32",
        "int64",
        "int32",
        "bool_",
        "builtin_function_or_method",
        "n",
        "k",
        "m",
    ]
)
_IN_QUOTES = re.compile(rf"'({_WORD})'|({_WORD})\(\)")
_WRAPPED = re.compile(r"\(([A-Za-z_]\w*): (.*)\)\s*$", re.DOTALL)


def safe_message(error: BaseException, extents: Iterable[int], words: frozenset[str], text: str | None = None) -> str:
    """The message of an exception if it is one of Python's or NumPy's own and holds no data; else ""."""
    text = (str(error) if text is None else text).strip()
    if len(text) > MAX_SAFE:
        return ""
    match = next((m for pattern in SAFE if (m := pattern.match(text))), None)
    if match is None or (text[match.end() :].strip() and not text[match.end() :].startswith(". Did you mean")):
        return ""
    text = match.group()
    allowed = set(extents) | set(range(10))
    integers = [int(n) for n in re.findall(r"(?<!\w)\d+", text)]
    if len(integers) > MAX_INTEGERS or not set(integers) <= allowed:
        return ""
    for quoted in _IN_QUOTES.findall(text):
        parts = re.findall(r"\w+", quoted[0] or quoted[1])
        if not all(part in words or part in _KNOWN_WORDS or part == "locals" for part in parts):
            return ""
    return text


def hidden_message(text: str, heard: Iterable[str], extents: Iterable[int], words: frozenset[str]) -> str:
    """An assertion's message from a hidden test, without values."""
    text = _without_numpy_report(text)
    if wrapped := _WRAPPED.search(text):
        inside = safe_message(Exception(), extents, words, wrapped.group(2))
        inside = f"({wrapped.group(1)}: {inside})" if inside else f"({wrapped.group(1)})"
        text = text[: wrapped.start()] + inside
    # A word of the notebook stood there before any input was sent: at most the choice of it tells something.
    for said in sorted((t for t in heard if len(t) >= 4 and t not in words), key=len, reverse=True)[:500]:
        for form in {said, repr(said)[1:-1], said[:40]}:
            text = text.replace(form, "…")
    text = re.sub(r"\barray\((?:[^()]|\([^()]*\))*\)?", "array(…)", text)
    text = re.sub(r"\[[-+\d\s.,eEnaifj\[\]]{8,}\]", "[…]", text)
    text = re.sub(r"-?\d+\.\d{4,}(?:e[-+]?\d+)?|-?\d+(?:\.\d+)?e[-+]?\d{2,}|\d{5,}", "…", text)
    return _tidy(text, MAX_MESSAGE)


def visible_message(text: str) -> str:
    return _tidy(text, MAX_VISIBLE)


_REPORT = re.compile(
    r"\s*(?:Not equal to tolerance|Arrays are not|Items are not equal|Mismatched elements|Mismatch at|Max absolute|"
    r"Max relative|First \d+ mismatches|ACTUAL:|DESIRED:|x:|y:|x and y|\(shapes|[-+\d.\[\]]|array\()"
)


def _without_numpy_report(text: str) -> str:
    """numpy.testing prints both arrays; what the instructor wrote as err_msg stays."""
    if not re.search(r"Not equal to tolerance|Arrays are not|Items are not equal|not almost equal", text):
        return text
    kept = [line for line in text.splitlines() if line.strip() and not _REPORT.match(line)]
    return " ".join(kept) or "the values differ from those expected"


def _tidy(text: str, cap: int) -> str:
    """No control characters, which break terminals and pages, and no more than a paragraph."""
    text = "".join(c for c in text if c.isprintable() or c == "\n").strip()
    return text if len(text) <= cap else text[: cap - 1] + "…"
