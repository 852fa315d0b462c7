"""Frames and values on the socket between the trusted checker and the student's process.

A frame is a length (4 bytes, big-endian), a JSON text of that length ``{"m": message, "b": [sizes]}``, and the raw
buffers whose sizes the text gives. Both directions use the same frames; PROTOCOL.md lists the messages.

A value is a *node*: ``null``, ``true``, a number or a string stand for themselves; everything else is a list that
begins with a tag. The reader trusts nothing: it builds plain types only, checks every length, and answers a frame that
is not exactly right with :class:`Malformed`. No pickle is read here.
"""

from __future__ import annotations

import json
import math
import re
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 24
MAX_DIMENSIONS = 16
MAX_EXTENT = 1 << 31
MAX_DIGITS = 4000
MAX_RANGE = 1_000_000
TICK_SECONDS = 0.1

_LENGTH = struct.Struct("!I")
_DTYPE = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|[US]\d{1,6})")
_INTEGER = re.compile(r"-?\d{1,4000}")


@dataclass(frozen=True)
class Caps:
    """The largest frame that is read: bytes of JSON text, bytes of all buffers, number of buffers."""

    text: int = 8 << 20
    data: int = 64 << 20
    buffers: int = 4096


class Malformed(ValueError):
    """The other side sent what the protocol does not allow."""


def tensor_library() -> Any:
    """What makes an array a tensor, if it has been imported; a checker that will import it puts its own here."""
    return sys.modules.get("torch")


class Closed(ConnectionError):
    """The other side has gone."""


class TooLate(TimeoutError):
    """The deadline passed before a whole frame had come or gone."""


class Unsendable(TypeError):
    """A value that has no node, or is too large for a frame."""


# --- frames -----------------------------------------------------------------------------------------------------


def send(
    sock: socket.socket,
    message: dict[str, Any],
    buffers: list[bytes] | None = None,
    *,
    deadline: float | None = None,
    caps: Caps | None = None,
) -> None:
    """Write one frame; with `caps`, refuse before anything is written what the reader would refuse."""
    parts = list(map(bytes, buffers or []))
    text = json.dumps({"m": message, "b": [len(p) for p in parts]}, allow_nan=False).encode()
    if caps and (len(text) > caps.text or sum(map(len, parts)) > caps.data or len(parts) > caps.buffers):
        raise Unsendable("too large to be sent")
    view = memoryview(b"".join([_LENGTH.pack(len(text)), text, *parts]))
    while view:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [sock], [], left)[1]:
                raise TooLate
        try:
            # Where a deadline is set a full pipe must not block.
            sent = sock.send(view[: 1 << 18], socket.MSG_DONTWAIT if deadline is not None else 0)
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as error:
            raise Closed(str(error)) from error
        view = view[sent:]


def receive(
    sock: socket.socket,
    *,
    deadline: float | None = None,
    caps: Caps | None = None,
    watch: Callable[[], None] | None = None,
) -> tuple[dict[str, Any], list[bytes]]:
    """Read one frame. `watch` is called several times a second while nothing comes; it may raise."""
    caps = caps or Caps()
    (length,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size, deadline, watch))
    if length > caps.text:
        raise Malformed(f"a frame of {length} bytes")
    text = _exactly(sock, length, deadline, watch)
    try:
        frame = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"not JSON: {type(error).__name__}") from None
    if type(frame) is not dict or set(frame) != {"m", "b"}:
        raise Malformed("not a frame")
    message, sizes = frame["m"], frame["b"]
    if type(message) is not dict or type(sizes) is not list or len(sizes) > caps.buffers:
        raise Malformed("not a frame")
    if not all(type(n) is int and 0 <= n <= caps.data for n in sizes) or sum(sizes) > caps.data:
        raise Malformed("buffers too large")
    return message, [_exactly(sock, n, deadline, watch) for n in sizes]


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _exactly(sock: socket.socket, count: int, deadline: float | None, watch: Callable[[], None] | None) -> bytes:
    out = bytearray()
    while len(out) < count:
        if deadline is not None or watch is not None:
            left = math.inf if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TooLate
            if not select.select([sock], [], [], min(left, TICK_SECONDS))[0]:
                if watch is not None:
                    watch()
                continue
        try:
            piece = sock.recv(min(count - len(out), 1 << 20))
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as error:
            raise Closed(str(error)) from error
        if not piece:
            raise Closed
        out += piece
    return bytes(out)


# --- values to nodes --------------------------------------------------------------------------------------------

Other = Callable[[Any], Any]


def encode(value: Any, buffers: list[bytes], other: Other, seen: Other | None = None, depth: int = 0) -> Any:
    """A value as a node; bulk data is appended to `buffers`.

    `other` gives the node of anything that is not plain data, or raises Unsendable. `seen`, if given, is asked first
    about every container and array; it returns None, or the node to use.
    """
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else ["f", repr(value)]
    if type(value) is int:
        return value if -(1 << 63) <= value < 1 << 63 else _big(value)
    if type(value) is complex:
        return ["c", *(encode(x, buffers, other) for x in (value.real, value.imag))]
    if type(value) in (bytes, bytearray):
        return ["y", _put(buffers, value)]
    if depth >= MAX_DEPTH:
        return other(value)
    if seen is not None and (node := seen(value)) is not None:
        return node
    return _encode_structure(value, buffers, other, seen, depth)


def _encode_structure(value: Any, buffers: list[bytes], other: Other, seen: Other | None, depth: int) -> Any:
    def inner(x: Any) -> Any:
        return encode(x, buffers, other, seen, depth + 1)

    numeric = _numeric(value, buffers)
    if numeric is not None:
        return numeric
    if isinstance(value, list):
        return ["l", [inner(x) for x in list(value)]]
    if isinstance(value, tuple):
        return ["u", [inner(x) for x in tuple(value)]]
    if isinstance(value, dict):
        # Of its subclasses only this one crosses as itself: what it lacks counts 0, and functions rely on that.
        return ["q" if isinstance(value, Counter) else "d", [[inner(k), inner(v)] for k, v in dict(value).items()]]
    if type(value) in (set, frozenset):
        return ["e" if type(value) is set else "z", [inner(x) for x in value]]
    if type(value) in (type({}.keys()), type({}.values()), type({}.items())):
        return ["l", [inner(x) for x in value]]
    if type(value) is range:
        return ["r", *(encode(x, buffers, other) for x in (value.start, value.stop, value.step))]
    if type(value) is slice:
        return ["k", *(inner(x) for x in (value.start, value.stop, value.step))]
    if value is Ellipsis:
        return ["n"]
    # Subclasses cross as what they extend, once: nothing of theirs runs on the other side.
    for base in (str, int, float):
        if isinstance(value, base):
            return encode(base(value), buffers, other)
    return other(value)


def _numeric(value: Any, buffers: list[bytes]) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        # Looked up, not named: naming numpy.ma would import it, in every fork anew.
        masked = sys.modules.get("numpy.ma")
        if masked is not None and isinstance(value, masked.MaskedArray):
            return None
        array = numpy.asarray(value)
        if not _DTYPE.fullmatch(array.dtype.str) or array.ndim > MAX_DIMENSIONS:
            return None
        where = _put(buffers, numpy.ascontiguousarray(array).tobytes())
        if isinstance(value, numpy.generic):
            return ["s", where, array.dtype.str]
        return ["a", where, array.dtype.str, list(array.shape), bool(array.flags.writeable)]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor) and value.layout == torch.strided:
        if value.dtype == torch.bfloat16:
            return None
        array = value.detach().cpu().resolve_conj().resolve_neg().numpy()
        if not _DTYPE.fullmatch(array.dtype.str):
            return None
        return ["t", _put(buffers, numpy.ascontiguousarray(array).tobytes()), array.dtype.str, list(array.shape), True]
    return None


def _put(buffers: list[bytes], data: Any) -> int:
    buffers.append(bytes(data))
    return len(buffers) - 1


def _big(value: int) -> Any:
    if value.bit_length() > 13_000:
        raise Unsendable("an integer of thousands of digits")
    return ["i", str(value)]


# --- nodes to values --------------------------------------------------------------------------------------------


def decode(
    node: Any, buffers: list[bytes], other: Callable[[list[Any], Callable[[Any], Any]], Any] | None = None
) -> Any:
    """A node as a value of plain types. `other(node, decode)` reads tags that are not plain data, or raises."""

    def read(node: Any, depth: int) -> Any:
        if node is None or type(node) in (bool, int, float):
            return node
        if type(node) is str:
            return clean(node)
        if type(node) is not list or not node or type(node[0]) is not str or depth > MAX_DEPTH:
            raise Malformed("not a node")

        def inner(x: Any) -> Any:
            return read(x, depth + 1)

        match node:
            case ["f", ("nan" | "inf" | "-inf") as text]:
                return float(text)
            case ["i", str(text)] if _INTEGER.fullmatch(text):
                return int(text)
            case ["c", re_, im]:
                return complex(float(inner(re_)), float(inner(im)))
            case ["y", int(k)]:
                return bytes(_buffer(buffers, k))
            case ["a", int(k), str(dtype), list(shape), bool(writeable)]:
                array = _array(_buffer(buffers, k), dtype, shape)
                array.flags.writeable = writeable
                return array
            case ["s", int(k), str(dtype)]:
                return _array(_buffer(buffers, k), dtype, [])[()]
            case ["t", int(k), str(dtype), list(shape), True]:
                array = _array(_buffer(buffers, k), dtype, shape)
                torch = tensor_library()
                return torch.from_numpy(array) if torch is not None else array
            case ["l", list(items)]:
                return [inner(x) for x in items]
            case ["u", list(items)]:
                return tuple(inner(x) for x in items)
            case ["e", list(items)]:
                return {inner(x) for x in items}
            case ["z", list(items)]:
                return frozenset(inner(x) for x in items)
            case ["d", list(items)]:
                return {inner(key): inner(value) for key, value in items}
            case ["q", list(items)]:
                return Counter({inner(key): inner(value) for key, value in items})
            case ["r", int(), int(), int()]:
                numbers = range(*node[1:])
                # Looking for a text in a range takes as long as the range, inside C code that no alarm interrupts.
                if abs(numbers.stop - numbers.start) // abs(numbers.step) > MAX_RANGE:
                    raise Malformed("a range of too many numbers")
                return numbers
            case ["k", start, stop, step]:
                return slice(inner(start), inner(stop), inner(step))
            case ["n"]:
                return Ellipsis
        if other is None:
            raise Malformed("unknown tag")
        return other(node, inner)

    try:
        return read(node, 0)
    except Malformed:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError, RecursionError) as error:
        # Unhashable keys, bad shapes, numbers out of range: all of it is the sender's doing.
        raise Malformed(f"{type(error).__name__}") from None


def clean(text: str) -> str:
    """Lone surrogates are legal in JSON and in Python, and break every file and database they reach."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _buffer(buffers: list[bytes], k: int) -> bytes:
    if type(k) is not int or not 0 <= k < len(buffers):
        raise Malformed("no such buffer")
    return buffers[k]


def _array(data: bytes, dtype: str, shape: list[Any]) -> Any:
    import numpy

    if not _DTYPE.fullmatch(dtype) or len(shape) > MAX_DIMENSIONS:
        raise Malformed("not a kind of array")
    if not all(type(n) is int and 0 <= n <= MAX_EXTENT for n in shape):
        raise Malformed("not a shape")
    kind = numpy.dtype(dtype)
    if math.prod(shape) * kind.itemsize != len(data):
        raise Malformed("an array's size differs from its shape")
    if kind.kind == "b":
        # A forged byte that is neither 0 nor 1 would be true and false by turns.
        return (numpy.frombuffer(data, "u1") != 0).reshape(shape)
    if kind.kind == "U":
        points = numpy.frombuffer(data, kind.str[0].replace("|", "=") + "u4") if kind.itemsize else numpy.zeros(0)
        if ((points > 0x10FFFF) | ((points >= 0xD800) & (points < 0xE000))).any():
            raise Malformed("not text")
    if kind.itemsize == 0:
        return numpy.zeros(shape, kind)
    return numpy.frombuffer(data, kind).reshape(shape).copy()
