"""The student's objects as the test cells see them: plain data by value, everything else as a :class:`Remote`.

A Remote forwards calls, attributes, items, lengths and iteration to the student's process. It refuses whatever would
let the student's code decide a comparison or a conversion: `==`, `<`, `bool`, `float`, `np.asarray` and their like.
"""

from __future__ import annotations

import builtins
import io
import pickle
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .inside import wire
from .messages import safe_message
from .student import Channel, StudentGone

SEND = wire.Caps(text=64 << 20, data=512 << 20, buffers=1 << 16)
MAX_ITEMS = 1_000_000
MAX_CALLBACK_DEPTH = 50
STANDARD = ("numpy", "builtins", "math", "operator", "functools", "itertools", "collections", "torch", "cmath")
_EXCEPTIONS = {n: k for n, k in vars(builtins).items() if isinstance(k, type) and issubclass(k, Exception)} | {
    "LinAlgError": np.linalg.LinAlgError,
    "AxisError": np.exceptions.AxisError,
}
_NOT_REMOTE = {"str", "int", "float", "list", "dict", "tuple", "ndarray", "bool", "Remote"}


class StudentError(Exception):
    """An exception that the student's code raised. A raised one is also of the built-in kind it was there."""


class CannotCross(TypeError):
    """The instructor's test passes something that cannot be sent to the student's process."""


class Remote:
    """An object that lives in the student's process."""

    __slots__ = ("__link", "__name", "__number", "__weakref__")

    def __init__(self, link: Link, number: int, name: str) -> None:
        _set(self, "__link", link)
        _set(self, "__number", number)
        _set(self, "__name", name)

    @property
    def __name__(self) -> str:  # type: ignore[override]
        name = _get(self, "__name")
        if not name:
            raise AttributeError("__name__")
        return name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _get(self, "__link").member(self, "getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _get(self, "__link").member(self, "setattr", name, value)

    def __getitem__(self, key: Any) -> Any:
        return _get(self, "__link").member(self, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _get(self, "__link").member(self, "setitem", key, value)

    def __len__(self) -> int:
        return _whole(_get(self, "__link").member(self, "len"))

    def __contains__(self, item: Any) -> bool:
        return _get(self, "__link").member(self, "contains", item) is True

    def __iter__(self) -> Iterator[Any]:
        return _get(self, "__link").iterate(_get(self, "__link").member(self, "iter"))

    def __dir__(self) -> list[str]:
        return list(map(str, _get(self, "__link").member(self, "dir")))

    def __repr__(self) -> str:
        return f"<your {type(self).__name__}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None:
            return False
        return _refuse("compared")(self)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _set(remote: Remote, name: str, value: Any) -> None:
    object.__setattr__(remote, "_Remote" + name, value)


def _get(remote: Remote, name: str) -> Any:
    return object.__getattribute__(remote, "_Remote" + name)


def _refuse(verb: str) -> Callable[..., Any]:
    def refuse(self: Remote, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"this is a {type(self).__name__}, which cannot be {verb}; return a number, a string, an array, "
            "or a list or dict of these"
        )

    return refuse


for _name in ("lt", "le", "gt", "ge"):
    setattr(Remote, f"__{_name}__", _refuse("compared"))
for _name in ("bool", "int", "float", "complex", "index", "round", "bytes", "array"):
    setattr(Remote, f"__{_name}__", _refuse("taken for a number or an array"))
for _name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    setattr(Remote, f"__{_name}__", _refuse("calculated with"))
    setattr(Remote, f"__r{_name}__", _refuse("calculated with"))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Remote, f"__{_name}__", _refuse("calculated with"))
Remote.__array_ufunc__ = None  # type: ignore[attr-defined]


class RemoteCallable(Remote):
    """A function, method or class of the student's."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # The frame of this call in a traceback is how `judge` knows that the student's function raised.
        return _get(self, "__link").call(self, args, kwargs)

    @property
    def __code__(self) -> types.CodeType:
        return RemoteCallable.__call__.__code__


class RemoteIterator(Remote):
    """A generator or iterator of the student's, asked for one item at a time."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        got = _get(self, "__link").member(self, "next")
        if type(got) is not list or len(got) > 1:
            raise StopIteration
        if not got:
            raise StopIteration
        return got[0]


def loop_of(remote: Remote, name: str) -> Any:
    """The function of `inside.loops` in the process where `remote` lives."""
    return _get(remote, "__link").loop(name)


_KINDS = {"object": Remote, "callable": RemoteCallable, "iterator": RemoteIterator}


class Link:
    """A connection as proxies use it: values out and in, calls with a deadline, callbacks, mutations.

    While `hidden` is set, an exception of the student's says no more than is safe: its message could repeat inputs.
    """

    def __init__(self, channel: Channel, words: frozenset[str]) -> None:
        self.channel, self.words = channel, words
        self.deadline = 0.0
        self.seconds = 0.0
        self.hidden = False
        self.heard: set[str] = set()  # every text the student sent during the current test
        self.extents: set[int] = set()  # every size of what was sent
        self.spoiled = False  # whether the current test's own objects were changed by what it called
        self._remotes: dict[int, Remote] = {}
        self._callbacks: list[Callable[..., Any]] = []
        self._depth = 0
        self._gone: StudentGone | None = None

    def begin(self, seconds: float, hidden: bool) -> None:
        """One test starts: it and all its calls together have this many seconds."""
        self.seconds, self.deadline, self.hidden = seconds, time.monotonic() + seconds, hidden
        self.heard.clear()
        self.extents.clear()
        self.spoiled = False

    @property
    def gone(self) -> StudentGone | None:
        """Why the student's process cannot answer, once that has happened, whatever a test made of it."""
        return self._gone

    # --- operations

    def get(self, name: str) -> Any:
        """A global name of the student's; KeyError if there is none."""
        reply, buffers = self._ask({"op": "get", "name": name}, [])
        if reply.get("missing") is True:
            raise KeyError(name)
        return self._value(reply, buffers)

    def loop(self, name: str) -> Any:
        """A function of `inside.loops`, to be called where the student's objects live."""
        reply, buffers = self._ask({"op": "loop", "name": name}, [])
        return self._value(reply, buffers)

    def member(self, remote: Remote, what: str, *args: Any) -> Any:
        buffers: list[bytes] = []
        node = self._encode(args, buffers, None)
        message = {"op": "member", "what": what, "handle": _get(remote, "__number"), "args": node}
        reply, got = self._ask(message, buffers)
        return self._value(reply, got)

    def iterate(self, iterator: Any) -> Iterator[Any]:
        for count, value in enumerate(iterator):
            if count >= MAX_ITEMS:
                raise StudentError(f"gave more than {MAX_ITEMS} items")
            yield value

    def call(self, remote: Remote, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        buffers: list[bytes] = []
        lent: list[Any] = []
        message = {
            "op": "call",
            "handle": _get(remote, "__number"),
            "args": self._encode(args, buffers, lent),
            "kwargs": self._encode(kwargs, buffers, lent),
        }
        reply, got = self._ask(message, buffers)
        value = self._value(reply, got, lent)
        self._apply(reply.get("changed", []), got, lent)
        return value

    # --- one exchange

    def _ask(self, message: dict[str, Any], buffers: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        if self._gone is not None:
            raise self._gone
        try:
            self.channel.send(message, buffers, self.deadline)
            while True:
                reply, got = self.channel.receive(self.seconds, self.deadline)
                if "callback" not in reply:
                    break
                self._call_back(reply, got)
        except StudentGone as gone:
            self._gone = gone
            raise
        if "error" in reply:
            raise self._error(reply["error"])
        return reply, got

    def _call_back(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """The student's code called a function that the test had passed to it: it runs here."""
        out: list[bytes] = []
        self._depth += 1
        try:
            number = message["callback"]
            if type(number) is not int or not 0 <= number < len(self._callbacks) or self._depth > MAX_CALLBACK_DEPTH:
                raise self._tampered()
            args = self._decode(message.get("args"), buffers, None)
            kwargs = self._decode(message.get("kwargs"), buffers, None)
            if type(args) is not tuple or type(kwargs) is not dict or not all(type(k) is str for k in kwargs):
                raise self._tampered()
            answer = {"return": self._encode(self._callbacks[number](*args, **kwargs), out, None)}
        except Exception as error:
            out = []
            text = safe_message(error, self.extents, self.words) if self.hidden else str(error)[:500]
            answer = {"raise": {"type": _plain_name(error), "message": text}}
        finally:
            self._depth -= 1
        self.channel.send(answer, out, self.deadline)

    def _tampered(self) -> StudentGone:
        self._gone = self.channel._gone(wire.Malformed())
        return self._gone

    def _error(self, description: Any) -> BaseException:
        """The student's exception, as one of the same built-in kind whose text tells nothing it must not."""
        if type(description) is not dict or type(description.get("type")) is not str:
            return self._tampered()
        name, bases = description["type"][:80], description.get("bases")
        text = wire.clean(str(description.get("message", "")))[:2000]
        if name == "KeyboardInterrupt":
            self._gone = StudentGone(f"was still running after {self.seconds:.0f} s", late=True)
            return self._gone
        known = [b for b in bases if type(b) is str and b in _EXCEPTIONS] if type(bases) is list else []
        base = _EXCEPTIONS[known[0]] if known else Exception
        if name in ("SystemExit", "GeneratorExit") and not known:
            shown = name
        elif not name.isidentifier() or (name not in _EXCEPTIONS and name not in self.words):
            shown = base.__name__
        else:
            shown = name if not self.hidden or name in _EXCEPTIONS else base.__name__
        if self.hidden:
            text = safe_message(base(), self.extents, self.words, text)
        try:
            kind = type(shown, (StudentError, base), {"__module__": "builtins", "__str__": lambda self: text})
            return kind(text)
        except TypeError:
            # Some kinds (UnicodeDecodeError) want more arguments than a message.
            return type(shown, (StudentError,), {"__module__": "builtins"})(text)

    # --- values

    def _encode(self, value: Any, buffers: list[bytes], lent: list[Any] | None) -> Any:
        numbers: dict[int, int] = {}

        def other(x: Any) -> Any:
            return self._other(x, buffers)

        def seen(x: Any) -> Any:
            self._measure(x)
            if lent is None or (not isinstance(x, (list, dict, set, np.ndarray)) and not _is_tensor(x)):
                return None
            if id(x) in numbers:
                return ["x", numbers[id(x)]]
            number = numbers[id(x)] = len(lent)
            lent.append(x)
            return ["o", number, wire.encode(x, buffers, other, lambda y: None if y is x else seen(y))]

        if lent is not None:
            numbers.update((id(x), k) for k, x in enumerate(lent))
        return wire.encode(value, buffers, other, seen)

    def _measure(self, value: Any) -> None:
        shape = getattr(value, "shape", None)
        if isinstance(value, np.ndarray) or _is_tensor(value):
            self.extents.update(map(int, shape or ()), [int(np.prod(shape or (1,)))])
        elif isinstance(value, (list, tuple, dict)):
            self.extents.add(len(value))

    def _other(self, value: Any, buffers: list[bytes]) -> Any:
        if isinstance(value, Remote):
            if _get(value, "__link") is not self:
                raise CannotCross("an object of the student's from an earlier process")
            return ["h", _get(value, "__number")]
        module, name = _importable(value)
        if module:
            return ["m", module, name]
        if isinstance(value, Iterator):
            return wire.encode(list(value), buffers, lambda x: self._other(x, buffers))
        if callable(value) and not isinstance(value, type):
            if not any(f is value for f in self._callbacks):
                self._callbacks.append(value)
            number = next(k for k, f in enumerate(self._callbacks) if f is value)
            return ["b", number, str(getattr(value, "__name__", "function"))[:80]]
        # numpy's generators and dtypes, fractions, dates: whatever pickles without a module of the course's.
        buffers.append(_pickle(value))
        return ["p", len(buffers) - 1]

    def _decode(self, node: Any, buffers: list[bytes], lent: list[Any] | None) -> Any:
        def other(node: list[Any], inner: Callable[[Any], Any]) -> Any:
            match node:
                case ["h", int(number), str(kind_name), ("object" | "callable" | "iterator") as kind, str(name)]:
                    return self._remote(number, kind_name, kind, name)
                case ["b", int(number)] if 0 <= number < len(self._callbacks):
                    return self._callbacks[number]
                case ["x", int(number)] if lent is not None and 0 <= number < len(lent):
                    return lent[number]
            raise wire.Malformed("unknown tag")

        try:
            value = wire.decode(node, buffers, other)
        except wire.Malformed:
            raise self._tampered() from None
        self._listen(value)
        return value

    def _value(self, reply: dict[str, Any], buffers: list[bytes], lent: list[Any] | None = None) -> Any:
        if "value" not in reply:
            raise self._tampered()
        return self._decode(reply["value"], buffers, lent)

    def _remote(self, number: int, kind_name: str, kind: str, name: str) -> Remote:
        if number not in self._remotes:
            if len(self._remotes) > 100_000:
                raise wire.Malformed("too many objects")
            # The class's name appears in messages, so only words of the notebook or of Python are shown.
            known = kind_name in self.words or hasattr(builtins, kind_name) or kind_name in vars(types)
            shown = kind_name if known and kind_name.isidentifier() and kind_name not in _NOT_REMOTE else kind
            cls = type(shown, (_KINDS[kind],), {"__slots__": (), "__module__": "student"})
            self._remotes[number] = cls(self, number, name if name in self.words else "")
        return self._remotes[number]

    def _listen(self, value: Any, depth: int = 0) -> None:
        """Remember texts, to find them again in messages."""
        if isinstance(value, str):
            self.heard.add(value)
        elif isinstance(value, (list, tuple, set, frozenset)) and depth < wire.MAX_DEPTH:
            for item in value:
                self._listen(item, depth + 1)
        elif isinstance(value, dict) and depth < wire.MAX_DEPTH:
            for key, item in value.items():
                self._listen(key, depth + 1)
                self._listen(item, depth + 1)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "US":
            self.heard.update(map(str, value.ravel()[:10_000]))

    def _apply(self, changed: Any, buffers: list[bytes], lent: list[Any]) -> None:
        """What the student's function did to its arguments happens to the test's own objects."""
        if type(changed) is not list or len(changed) > len(lent):
            raise self._tampered()
        for entry in changed:
            if type(entry) is not list or len(entry) != 2 or type(entry[0]) is not int:
                raise self._tampered()
            number, node = entry
            if not 0 <= number < len(lent):
                raise self._tampered()
            before, after = lent[number], self._decode(node, buffers, lent)
            self.spoiled = self.spoiled or _differ(before, after)
            if isinstance(before, list) and isinstance(after, list):
                before[:] = after
            elif isinstance(before, (dict, set)) and type(after) is type(before):
                before.clear()
                before.update(after)
            elif isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
                _overwrite(before, after)
            elif _is_tensor(before):
                before.data.copy_(after if _is_tensor(after) else sys.modules["torch"].from_numpy(after))
            else:
                raise self._tampered()


def _differ(before: Any, after: Any) -> bool:
    """Whether a change is one to speak of: numbers that were nudged and put back may come back rounded."""
    if before is after:
        return False
    if _is_tensor(before):
        before, after = before.detach().numpy(), np.asarray(after)
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        if before.shape != after.shape:
            return True
        if before.dtype.kind in "fc" and after.dtype.kind in "fc":
            return not np.allclose(after, before, rtol=1e-6, atol=1e-9, equal_nan=True)
        return not np.array_equal(before, after)
    if type(before) is not type(after) or isinstance(before, Remote):
        return True
    if isinstance(before, (list, tuple)):
        return len(before) != len(after) or any(map(_differ, before, after))
    if isinstance(before, dict):
        return list(before) != list(after) or any(_differ(before[key], after[key]) for key in before)
    return bool(before != after)


def _overwrite(before: np.ndarray, after: np.ndarray) -> None:
    if before.shape != after.shape:
        # Resized in place: as good as changed, and NumPy cannot resize what others look at.
        after = np.full_like(before, np.nan if before.dtype.kind in "fc" else 0)
    writeable = before.flags.writeable
    if not writeable:
        return
    before[...] = after


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("its length is not a whole number")
    return value


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _plain_name(error: BaseException) -> str:
    for kind in type(error).__mro__:
        if kind.__name__ in _EXCEPTIONS and kind.__module__ == "builtins" and not issubclass(kind, StudentError):
            return kind.__name__
    return "Exception"


def _importable(value: Any) -> tuple[str, str]:
    """Module and name under which the student's process finds the very same thing, if it can."""
    if isinstance(value, types.ModuleType):
        return (value.__name__, "") if value.__name__.split(".")[0] in STANDARD else ("", "")
    if isinstance(value, np.ufunc):
        return ("numpy", value.__name__) if getattr(np, value.__name__, None) is value else ("", "")
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, types.BuiltinFunctionType) and isinstance(getattr(value, "__self__", None), types.ModuleType):
        module = value.__self__.__name__
    if not isinstance(module, str) or not isinstance(name, str) or module.split(".")[0] not in STANDARD:
        return "", ""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return (module, name) if found is value else ("", "")


def _pickle(value: Any) -> bytes:
    file = io.BytesIO()
    try:
        _Pickler(file, protocol=5).dump(value)
    except Exception as error:
        raise CannotCross(f"a {type(value).__name__} cannot be sent to the student's process ({error})") from None
    return file.getvalue()


class _Pickler(pickle.Pickler):
    """Refuses what the student's process could not import: classes of the tests and of the course."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (type, types.FunctionType)):
            root = (value.__module__ or "").split(".")[0]
            if root not in STANDARD and root not in sys.stdlib_module_names:
                raise CannotCross(f"{value.__qualname__} is defined in {root}, which the student's code must not see")
        return NotImplemented
