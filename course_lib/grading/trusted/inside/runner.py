"""The student's process: runs cells, and serves the checker's questions about what the cells defined.

Once a cell has run, nothing in here can be relied on: the checker believes only what the wire's reader accepts, and
judges that. Keeping honest work honest is all this module is for.
"""

from __future__ import annotations

import array
import builtins
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

from . import loops, wire
from .shell import OUT, Shell, make_shell, run_cell, settle, text_of

RECEIVE = wire.Caps(text=64 << 20, data=512 << 20, buffers=1 << 16)
SEND = wire.Caps()
PLAIN_EXCEPTIONS = {
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
} | {"LinAlgError", "AxisError"}
ITERATORS = (Iterator,)


class Interrupts:
    """SIGINT stops student code; between messages it is ignored, so that no frame is cut in two."""

    inside = False

    @classmethod
    def handle(cls, *_: Any) -> None:
        if cls.inside:
            cls.inside = False
            raise KeyboardInterrupt

    def __enter__(self) -> None:
        Interrupts.inside = True

    def __exit__(self, *_: Any) -> None:
        Interrupts.inside = False


class TrustedError(Exception):
    """What a function of the test's raised when the student's code called it."""


class Session:
    """Everything one connection knows: the shell, and the objects that were handed out by number."""

    def __init__(self, shell: Shell, sock: socket.socket) -> None:
        self.shell, self.sock = shell, sock
        self.handles: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.lent: dict[int, Any] = {}  # the arguments of the running call, by the checker's numbers
        self.callbacks: dict[int, Any] = {}

    # --- the loop

    def serve(self) -> None:
        while True:
            try:
                message, buffers = wire.receive(self.sock, caps=RECEIVE)
            except wire.Closed:
                os._exit(0)
            self.answer(message, buffers)

    def answer(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        operation = getattr(self, "do_" + message["op"])
        try:
            operation(message, buffers)
        except KeyboardInterrupt:
            self.send({"error": {"type": "KeyboardInterrupt", "bases": ["KeyboardInterrupt"], "message": ""}})
        except BaseException as error:
            self.send({"error": _describe(error)})

    def send(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        wire.send(self.sock, message, buffers, caps=SEND)

    def reply(self, value: Any, changed: list[int] | None = None) -> None:
        buffers: list[bytes] = []
        message = {"value": self.encode(value, buffers)}
        if changed:
            message["changed"] = [[k, self.encode(self.lent[k], buffers, top=True)] for k in changed]
        try:
            self.send(message, buffers)
        except wire.Unsendable:
            limit = SEND.data >> 20
            raise ValueError(f"the result is larger than {limit} MB, too large to be judged") from None

    # --- operations

    def do_cell(self, message: dict[str, Any], _: list[bytes]) -> None:
        try:
            with Interrupts():
                reply = run_cell(self.shell, message["source"], message["bytes"])
        except BaseException as error:
            reply = {"status": "error", "outputs": OUT.finished(), **_named(error)}
            if isinstance(error, KeyboardInterrupt):
                reply["status"] = "interrupted"
        self.send({"cell": reply})

    def do_snapshot(self, _: dict[str, Any], __: list[bytes]) -> None:
        """Become two: the copy serves another connection from now on, with everything as it is at this moment."""
        connection = socket.socket(fileno=_receive_descriptor(self.sock))
        sys.stdout.flush()
        if os.fork() == 0:
            self.sock.close()
            self.sock = connection
            self.send({"ready": True})
            self.serve()
        connection.close()
        self.send({"value": None})

    def do_get(self, message: dict[str, Any], _: list[bytes]) -> None:
        if message["name"] not in self.shell.user_ns:
            self.send({"missing": True})
        else:
            self.reply(self.shell.user_ns[message["name"]])

    def do_loop(self, message: dict[str, Any], _: list[bytes]) -> None:
        self.reply(loops.CALLABLE[message["name"]])

    def do_call(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        # What a test makes the student's code print is nobody's to read.
        OUT.begin(0)
        outer = self.lent
        self.lent = {}
        try:
            function = self.handles[message["handle"]]
            args, kwargs = self.decode(message["args"], buffers), self.decode(message["kwargs"], buffers)
            before = {k: _image(v) for k, v in self.lent.items()}
            with Interrupts():
                value = function(*args, **kwargs)
            changed = [k for k, v in self.lent.items() if not _same(before[k], v)]
            self.reply(value, changed)
        finally:
            self.lent = outer

    def do_member(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """getattr, setattr, getitem and so on, under their names in `operator` and `builtins`."""
        OUT.begin(0)
        target = self.handles[message["handle"]]
        args = self.decode(message["args"], buffers)
        with Interrupts():
            value = _MEMBERS[message["what"]](target, *args)
        self.reply(value)

    # --- values

    def encode(self, value: Any, buffers: list[bytes], *, top: bool = False) -> Any:
        lent = {id(v): k for k, v in self.lent.items()}
        skip = id(value) if top else None

        def seen(x: Any) -> Any:
            return ["x", lent[id(x)]] if id(x) in lent and id(x) != skip else None

        return wire.encode(value, buffers, self.handle, seen)

    def handle(self, value: Any) -> Any:
        for k, function in self.callbacks.items():
            if function is value:
                return ["b", k]
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.handles) + 1
            self.handles[number] = value
        kind = "iterator" if isinstance(value, ITERATORS) else "callable" if callable(value) else "object"
        name = getattr(value, "__name__", "") if isinstance(value, (type, FunctionType, MethodType)) else ""
        return ["h", number, type(value).__name__[:80], kind, str(name)[:80]]

    def decode(self, node: Any, buffers: list[bytes]) -> Any:
        def other(node: list[Any], inner: Any) -> Any:
            match node:
                case ["o", int(k), content]:
                    self.lent[k] = inner(content)
                    return self.lent[k]
                case ["x", int(k)]:
                    return self.lent[k]
                case ["h", int(k)]:
                    return self.handles[k]
                case ["b", int(k), str(name)]:
                    return self.callback(k, name)
                case ["p", int(k)]:
                    # Pickles come only from the checker; it chose them.
                    return pickle.loads(buffers[k])
                case ["m", str(module), str(name)]:
                    return _import(module, name)
            raise wire.Malformed("unknown tag")

        return wire.decode(node, buffers, other)

    def callback(self, number: int, name: str) -> Any:
        """A function that lives in the checker: calling it asks the checker, and waits."""
        if number in self.callbacks:
            return self.callbacks[number]

        def function(*args: Any, **kwargs: Any) -> Any:
            buffers: list[bytes] = []
            # By value, as they are now: the checker's own copies know nothing of changes made since the call.
            nodes = [wire.encode(x, buffers, self.handle) for x in (args, kwargs)]
            inside, Interrupts.inside = Interrupts.inside, False
            try:
                self.send({"callback": number, "args": nodes[0], "kwargs": nodes[1]}, buffers)
                return self.await_return()
            finally:
                Interrupts.inside = inside

        function.__name__ = function.__qualname__ = name
        self.callbacks[number] = function
        return function

    def await_return(self) -> Any:
        while True:
            try:
                message, buffers = wire.receive(self.sock, caps=RECEIVE)
            except wire.Closed:
                os._exit(0)
            if "return" in message:
                return self.decode(message["return"], buffers)
            if "raise" in message:
                kind = getattr(builtins, message["raise"]["type"], TrustedError)
                raise kind(message["raise"]["message"])
            self.answer(message, buffers)


def _next(iterator: Any) -> Any:
    for value in iterator:
        return [value]
    return []


_MEMBERS = {
    "getattr": getattr,
    "setattr": setattr,
    "getitem": lambda target, key: target[key],
    "setitem": lambda target, key, value: target.__setitem__(key, value),
    "len": len,
    "contains": lambda target, item: item in target,
    "iter": iter,
    "next": _next,
    "dir": dir,
}


def _image(value: Any) -> Any:
    """What an argument looks like before a call, cheaply and one level deep."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, set):
        return set(value)
    return _bytes(value)


def _same(before: Any, value: Any) -> bool:
    if isinstance(value, list):
        return len(before) == len(value) and all(a is b for a, b in zip(before, value, strict=True))
    if isinstance(value, dict):
        now = list(value.items())
        return len(before) == len(now) and all(a is c and b is d for (a, b), (c, d) in zip(before, now, strict=True))
    return before == (value if isinstance(value, set) else _bytes(value))


def _bytes(value: Any) -> tuple[Any, ...]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return value.shape, value.dtype, value.tobytes()


def _describe(error: BaseException) -> dict[str, Any]:
    bases = [kind.__name__ for kind in type(error).__mro__ if kind.__name__ in PLAIN_EXCEPTIONS]
    return {"type": type(error).__name__[:80], "bases": bases[:8], "message": text_of(error)}


def _named(error: BaseException) -> dict[str, str]:
    return {"ename": type(error).__name__[:100], "evalue": text_of(error)}


def _import(module: str, name: str) -> Any:
    __import__(module)
    value: Any = sys.modules[module]
    for part in name.split(".") if name else []:
        value = getattr(value, part)
    return value


def _receive_descriptor(sock: socket.socket) -> int:
    _, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[:4])
    return descriptors[0]


def furnish() -> Callable[[socket.socket, dict[str, Any]], Callable[[], None]]:
    """Make the shell now, in the fork server; what is returned makes a fork of it a student's process."""
    shell = make_shell()

    def become(sock: socket.socket, request: dict[str, Any]) -> Callable[[], None]:
        signal.signal(signal.SIGINT, Interrupts.handle)
        settle(shell, 0, request["tmp"])
        return Session(shell, sock).serve

    return become
