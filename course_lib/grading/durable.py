"""Files that are whole or absent, and one grader at a time: what lets a killed run be repeated."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from .errors import CourseError

TEMPORARY = ".unfinished"


class CannotGoOn(CourseError):
    """The whole batch must stop, since every further submission would meet the same trouble."""


def write_atomically(path: Path, text: str) -> None:
    """Readers, and whoever comes after a crash, see the old file or the whole new one.

    The unfinished file has one fixed name beside its target, so that a killed run leaves at most one of each, and the
    next run uses it up. Only one process writes (see :func:`one_at_a_time`).
    """
    data = text.encode("utf-8")  # before anything is begun: a text that cannot be written leaves nothing behind
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}{TEMPORARY}")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise CannotGoOn(
            f"{path} could not be written ({error.strerror or error}). What was finished is kept: "
            "make room or mend the disk, and run the same command again."
        ) from error


def _sync_folder(folder: Path) -> None:
    """A rename is safe from a power cut only when its folder is on the disk too."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def one_at_a_time(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path`, or say who does.

    The operating system holds the lock for the open file and drops it when the process ends, however it ends. So a
    file left behind by a killed process locks nobody out; the text in it only serves the message.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotGoOn(f"the lock file {path} cannot be opened ({error.strerror or error}).") from error
    with file:
        if not _lock(file.fileno()):
            raise CourseError(
                f"{_holder(path)} is already {what} here. Wait for it to end, or stop it, and run this again."
            )
        with contextlib.suppress(OSError):  # on a full disk the lock still holds, only unsigned
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}))
            file.flush()
        yield
        with contextlib.suppress(OSError):
            file.truncate(0)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']},"
    except (OSError, ValueError, KeyError):
        return "another process"


def _lock(handle: int) -> bool:
    """Take the lock without waiting for it."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            # Windows forbids reading a locked part, so the lock lies far behind the text.
            os.lseek(handle, 1 << 20, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return False
    return True
