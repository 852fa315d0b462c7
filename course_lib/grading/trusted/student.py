"""The checker's end of a student's process: start it, talk to it, interrupt it, kill it, and bring it back.

Nothing that arrives here is believed. A frame that is malformed, late or missing ends in :class:`StudentGone`, whose
text a student can act on. It is no `Exception`, so that a test's own handlers cannot take it for something else.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .inside import wire

INTERRUPT_SECONDS = 1.5
START_SECONDS = 20.0
MAX_REVIVALS = 20
DIED = "ended the Python process (os._exit, a crash, or too much memory)"
_CREDENTIALS = struct.Struct("=3i")


class StudentGone(BaseException):
    """The student's process cannot answer any more; the text says why, in words for the student."""

    def __init__(self, reason: str, *, late: bool = False, died: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.late = reason, late
        self.died = died  # it ended by itself, or by the hand of another of the student's processes


class SandboxFault(Exception):
    """The sandbox itself failed, before any student code ran."""


@dataclass(frozen=True)
class Walls:
    """What one submission may use at most, all its processes together where the tier can add them up."""

    memory_mb: int = 2048
    processes: int = 64
    files: int = 256
    file_mb: int = 64
    tmp_mb: int = 64

    def limits(self, cpu_seconds: float) -> dict[str, int]:
        return {
            "core": 0,
            "files": self.files,
            "processes": self.processes,
            "cpu_seconds": int(cpu_seconds) + 5,
            "file_bytes": self.file_mb << 20,
            "memory_bytes": self.memory_mb << 20,
        }


@dataclass
class Launch:
    """How to ask the student's fork server for another process."""

    control: socket.socket
    request: dict[str, Any]
    needs_folder: bool
    walls: Walls
    cpu_seconds: float
    uid: int | None
    watch: Callable[[], None] = lambda: None
    turn: int = field(default=0)


class Channel:
    """One process of the student's at the other end of a socket."""

    def __init__(self, sock: socket.socket, watch: Callable[[], None]) -> None:
        self.sock, self.watch = sock, watch
        self.pid = 0
        self.handle: int | None = None
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def identify(self, deadline: float) -> None:
        """Learn from the kernel which process sends the next frame, so that it, and no other, can be killed."""
        if not select.select([self.sock], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise wire.TooLate
        try:
            _, ancillary, _, _ = self.sock.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size), socket.MSG_PEEK)
        except OSError as error:
            raise wire.Closed(str(error)) from error
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                for (descriptor,) in struct.iter_unpack("=i", data[: len(data) // 4 * 4]):
                    os.close(descriptor)
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self.pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
        if self.pid <= 1:
            raise wire.Closed("nobody")
        with contextlib.suppress(OSError):
            self.handle = os.pidfd_open(self.pid)

    def signal(self, number: int) -> None:
        if self.handle is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self.handle, number)

    def send(self, message: dict[str, Any], buffers: list[bytes] | None, deadline: float) -> None:
        try:
            wire.send(self.sock, message, buffers, deadline=deadline)
        except (wire.TooLate, wire.Closed) as error:
            raise self._gone(error) from None

    def receive(self, seconds: float, deadline: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
        """The next frame; after `seconds` an interrupt, and if that is ignored the process is killed."""
        deadline = time.monotonic() + seconds if deadline is None else deadline
        try:
            return wire.receive(self.sock, deadline=deadline, watch=self._tick)
        except wire.TooLate:
            self.signal(signal.SIGINT)
        except (wire.Closed, wire.Malformed) as error:
            raise self._gone(error) from None
        try:
            frame = wire.receive(self.sock, deadline=time.monotonic() + INTERRUPT_SECONDS, watch=self._tick)
        except (wire.TooLate, wire.Closed, wire.Malformed):
            self.kill()
            raise StudentGone(_still_running(seconds) + " and could not be interrupted", late=True) from None
        if _was_interrupted(frame[0]):
            return frame
        # An answer that came too late is no answer, and a callback must not go on for ever.
        self.kill()
        raise StudentGone(_still_running(seconds), late=True)

    def _tick(self) -> None:
        # A process that died may have left a child that holds its socket open.
        if self.handle is not None and select.select([self.handle], [], [], 0)[0]:
            raise wire.Closed
        self.watch()

    def _gone(self, error: Exception) -> StudentGone:
        self.kill()
        if isinstance(error, wire.Malformed):
            return StudentGone("sent something that is no answer (the process's connection was tampered with)")
        return StudentGone(DIED, died=True)

    @property
    def alive(self) -> bool:
        """Whether the process is there; another of the student's processes may have killed it meanwhile."""
        if self.sock.fileno() < 0:
            return False
        return self.handle is None or not select.select([self.handle], [], [], 0)[0]

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.sock.close()
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def _still_running(seconds: float) -> str:
    return f"was still running after {seconds:.0f} s"


def _was_interrupted(message: dict[str, Any]) -> bool:
    cell, error = message.get("cell"), message.get("error")
    return (isinstance(cell, dict) and cell.get("status") == "interrupted") or (
        isinstance(error, dict) and error.get("type") == "KeyboardInterrupt"
    )


class Sandbox:
    """One private sandbox: a process that only waits, the student's main process, and snapshots of that."""

    def __init__(self, launch: Launch, deadline: float) -> None:
        self.launch = launch
        self.folder: str | None = None
        request = launch.request | {
            "tmp_mb": launch.walls.tmp_mb,
            "limits": launch.walls.limits(launch.cpu_seconds),
            "uid": None if launch.uid is None else launch.uid + launch.turn % 32,
        }
        launch.turn += 1
        if launch.needs_folder:
            self.folder = request["tmp"] = tempfile.mkdtemp(prefix="course-student-")
            if request["uid"] is not None:
                os.chown(self.folder, request["uid"], request["uid"])
        self.snapshots: list[Channel] = []
        ours, theirs = socket.socketpair()
        self.waiting = Channel(ours, lambda: None)
        self.base_kb = 0
        try:
            socket.send_fds(launch.control, [json.dumps(request).encode()], [theirs.fileno()])
            theirs.close()
            self._shake_hands(min(deadline, time.monotonic() + START_SECONDS))
        except (OSError, wire.Closed, wire.TooLate, wire.Malformed) as error:
            self.close()
            raise SandboxFault(f"no sandbox could be started ({type(error).__name__}: {error})") from error
        except SandboxFault:
            self.close()
            raise

    def _shake_hands(self, deadline: float) -> None:
        self.waiting.identify(deadline)
        first, _ = wire.receive(self.waiting.sock, deadline=deadline)
        if "unconfined" in first:
            raise SandboxFault(f"a sandbox could not be closed: {first['unconfined']}")
        # The same socket serves the main process; only the waiting one's number is kept apart.
        self.main = Channel(self.waiting.sock.dup(), self._watch)
        self.main.identify(deadline)
        second, _ = wire.receive(self.main.sock, deadline=deadline)
        if "unconfined" in second:
            raise SandboxFault(f"a sandbox could not be furnished: {second['unconfined']}")
        if "init" not in first or "ready" not in second:
            raise SandboxFault("a sandbox did not say that it is ready")
        self.base_kb = _memory_kb(self.main.pid)

    def snapshot(self, seconds: float = 10.0) -> Channel:
        """A copy of the main process as it is now, with a connection of its own."""
        ours, theirs = socket.socketpair()
        copy = Channel(ours, self._watch)
        deadline = time.monotonic() + seconds
        self.main.send({"op": "snapshot"}, None, deadline)
        try:
            socket.send_fds(self.main.sock, [b"."], [theirs.fileno()])
        except OSError as error:
            raise self.main._gone(error) from None
        finally:
            theirs.close()
        reply, _ = self.main.receive(seconds, deadline)
        try:
            copy.identify(deadline)
            ready, _ = wire.receive(copy.sock, deadline=deadline)
        except (wire.Closed, wire.TooLate, wire.Malformed):
            ready = {}
        if "value" not in reply or "ready" not in ready:
            copy.kill()
            self.main.kill()
            raise StudentGone(DIED, died=True)
        self.snapshots.append(copy)
        return copy

    def _watch(self) -> None:
        """Called several times a second while the student's code runs."""
        self.launch.watch()
        cap = self.launch.walls.memory_mb << 10
        tree = _descendants(self.waiting.pid)
        if sum(max(0, _memory_kb(pid) - self.base_kb) for pid in tree) > cap and _shared_out_kb(tree) > cap:
            self.close()
            raise StudentGone(f"used more than {self.launch.walls.memory_mb} MB of memory in all its processes")

    def kill_all(self) -> None:
        if self.launch.request["namespaces"]:
            # The first process of a namespace takes all others with it.
            self.waiting.signal(signal.SIGKILL)
        else:
            for _ in range(100):
                tree = _descendants(self.waiting.pid)[1:]
                if not tree:
                    break
                for pid in tree:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.005)
            self.waiting.signal(signal.SIGKILL)

    def close(self) -> None:
        if self.waiting.handle is not None:
            self.kill_all()
        for channel in (*self.snapshots, self.waiting, getattr(self, "main", self.waiting)):
            channel.kill()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


# --- counting memory ----------------------------------------------------------------------------------------------


def _descendants(pid: int) -> list[int]:
    """A process and all below it. Orphans become children of the first, so nobody escapes the count."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    waiting += map(int, file.read().split())
    return found


def _memory_kb(pid: int) -> int:
    """Memory of its own; pages still shared with the fork server count too, so it errs on the high side."""
    total = 0
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(("RssAnon", "RssShmem")):
                total += int(line.split()[1])
    return total


def _shared_out_kb(tree: list[int]) -> int:
    """The exact count: each shared page divided among those who share it. Slower, so asked only in doubt."""
    total = 0
    for pid in tree:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(("Pss_Anon", "Pss_Shmem")))
        except (OSError, ValueError):
            total += _memory_kb(pid)
    return total


# --- the student over a whole submission --------------------------------------------------------------------------


class Student:
    """Runs cells in order, keeps a snapshot for every place where tests stand, and replays after a death."""

    def __init__(self, launch: Launch, deadline: float) -> None:
        self.launch, self.deadline = launch, deadline
        self.sandboxes: list[Sandbox] = []
        self.history: list[str] = []
        self.revivals = 0
        self.current = self._sandbox()
        self.places: list[tuple[int, Channel]] = []  # cells that had run, and the snapshot taken then

    def _sandbox(self) -> Sandbox:
        sandbox = Sandbox(self.launch, self.deadline)
        self.sandboxes.append(sandbox)
        return sandbox

    def run_cell(self, source: str, seconds: float, output_bytes: int) -> dict[str, Any]:
        """Run one cell in the main process; StudentGone if that was its end."""
        main = self.main()
        deadline = time.monotonic() + seconds
        main.send({"op": "cell", "source": source, "bytes": output_bytes}, None, deadline)
        reply, _ = main.receive(seconds, deadline)
        cell = reply.get("cell")
        if not isinstance(cell, dict):
            raise main._gone(wire.Malformed())
        if cell.get("status") in ("ok", "error"):
            self.history.append(source)
        return cell

    def main(self) -> Channel:
        if not self.current.main.alive:
            self.current = self._replayed(len(self.history))
        return self.current.main

    def mark(self) -> int:
        """Remember this place, for tests to come back to; returns its number."""
        if not self.places or self.places[-1][0] != len(self.history):
            self.main()
            self.places.append((len(self.history), self.current.snapshot()))
        return len(self.places) - 1

    def at(self, place: int) -> Channel:
        """The student's process as it was at this place; brought back if it has died since."""
        count, channel = self.places[place]
        if not channel.alive:
            sandbox = self._replayed(count)
            channel = sandbox.main
            self.places[place] = (count, channel)
        return channel

    def _replayed(self, count: int) -> Sandbox:
        """A fresh process in which the first `count` cells have run again; what they show is not kept."""
        self.revivals += 1
        if self.revivals > MAX_REVIVALS:
            raise StudentGone(f"ended the Python process more than {MAX_REVIVALS} times")
        sandbox = self._sandbox()
        for source in self.history[:count]:
            seconds = self.deadline - time.monotonic()
            if seconds <= 0:
                raise StudentGone("used up the notebook's time", late=True)
            sandbox.main.send({"op": "cell", "source": source, "bytes": 0}, None, self.deadline)
            sandbox.main.receive(seconds, self.deadline)
        return sandbox

    def finish_cells(self) -> None:
        """No cell runs any more: what hidden tests send from now on cannot reach an output."""
        for sandbox in self.sandboxes:
            sandbox.main.kill()

    def close(self) -> None:
        for sandbox in self.sandboxes:
            sandbox.close()
