"""How a fork of the student's server becomes a sandbox of its own: walls first, then the process that runs cells."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from . import confine, wire

Serve = Callable[[], None]
Become = Callable[[socket.socket, dict[str, Any]], Serve]


def _nobody(sock: socket.socket, request: dict[str, Any]) -> Serve:
    """For a trial of the walls alone."""
    return lambda: None


class Enclose:
    """The entry of the student's fork server; `become` furnishes the process that the walls are for."""

    def __init__(self, become: Become | None, *, syscalls: bool, signals: bool) -> None:
        self.become = become or _nobody
        self.filter = confine.Filter(signals=signals) if syscalls else None

    def __call__(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Namespaces, then a process that only waits and never runs student code, then the student's as its child."""
        sock = socket.socket(fileno=descriptors[0])
        try:
            if request["namespaces"]:
                confine.unshare()
                if os.fork():
                    os._exit(0)
            os.setsid()
            confine.lock(request, self.filter)
            confine.guard_init(subreaper=not request["namespaces"])
        except BaseException as error:
            wire.send(sock, {"unconfined": f"{type(error).__name__}: {error}"})
            return
        wire.send(sock, {"init": True})
        if os.fork() == 0:
            self._student(sock, request)
        sock.close()
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _student(self, sock: socket.socket, request: dict[str, Any]) -> None:
        try:
            confine.make_ordinary()
            serve = self.become(sock, request)
            wire.send(sock, {"ready": True})
        except BaseException as error:
            wire.send(sock, {"unconfined": f"{type(error).__name__}: {error}"})
            os._exit(0)
        try:
            serve()
        finally:
            os._exit(0)
