"""Finding what students handed in, and reading it without ever failing because of it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.utils import parse_utc

from .course import Course
from .notebooks import Blueprint, UnreadableNotebook, parse_notebook
from .repair import repair
from .trusted.inside.wire import clean
from .trusted.messages import visible_message

MAX_BYTES = 50 * 1024 * 1024
TIMESTAMP_BYTES = 200
SHOWN_NAMES = 12


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment."""

    assignment: str
    student: str
    folder: Path


@dataclass
class Prepared:
    """A submission made ready to run: repaired cells, or none of the student's when nothing could be read."""

    notebook: NotebookNode
    timestamp: datetime | None
    digest: str
    remarks: list[str] = field(default_factory=list)
    unusable: str | None = None


def find_submissions(course: Course, assignment: str, folder: Path | None = None) -> list[Submission]:
    """Every student's folder under submitted/STUDENT/ASSIGNMENT, sorted by student.

    A symbolic link is found too, whatever it points to, so that :func:`prepare` can say why it earns nothing.
    """
    top = folder or course.submitted
    # Of the handed-in names only the last part is fixed: the others may be any bytes, and no database takes those.
    found = [
        Submission(assignment, student.name.encode("utf-8", "backslashreplace").decode(), student / assignment)
        for student in top.glob("*")
        if (student / assignment).is_dir() or (student / assignment).is_symlink()
    ]
    return sorted(found, key=lambda s: s.student)


def prepare(submission: Submission, blueprint: Blueprint) -> Prepared:
    """Read and repair. What cannot be read becomes an empty notebook and a reason, not an error."""
    data, reason = _read(submission)
    notebook = new_notebook()
    if data is not None:
        try:
            notebook = parse_notebook(data, f"{submission.assignment}.ipynb")
        except UnreadableNotebook as error:
            reason = f"{error}. Open it in Jupyter, save it and hand it in again."
    remarks = repair(notebook, blueprint)
    timestamp, complaint = _timestamp(submission.folder)
    return Prepared(
        notebook,
        timestamp,
        hashlib.sha256(data or b"").hexdigest(),
        ([] if reason else remarks) + ([complaint] if complaint else []),
        reason,
    )


def _read(submission: Submission) -> tuple[bytes | None, str | None]:
    folder, name = submission.folder, f"{submission.assignment}.ipynb"
    for place, shown in ((folder.parent, submission.student), (folder, f"{submission.student}/{folder.name}")):
        if place.is_symlink():
            return None, (
                f"the folder {shown} is a symbolic link; expected a folder that holds {name} itself. "
                "Put a copy of the files in its place and hand it in again."
            )
    path = folder / name
    if path.is_symlink():
        return None, (
            f"{name} is a symbolic link; expected the notebook itself. "
            "Put a copy of the file in its place and hand it in again."
        )
    if path.exists() and not path.is_file():
        return None, f"{name} is not a file; expected the notebook itself. Hand in the file that Jupyter saved."
    if not path.is_file():
        others = sorted(visible_message(clean(p.name)) for p in folder.iterdir() if p.name != "timestamp.txt")
        more = f" and {len(others) - SHOWN_NAMES} more" if len(others) > SHOWN_NAMES else ""
        found = f"found {', '.join(others[:SHOWN_NAMES])}{more}" if others else "the folder is empty"
        return None, f"missing: expected {name}, {found}. Rename the notebook and hand it in again."
    data, size = _head(path, MAX_BYTES)
    if size > MAX_BYTES:
        return None, (
            f"{name} has {size / 2**20:.0f} MB; the limit is {MAX_BYTES / 2**20:.0f} MB. "
            "Clear its outputs and hand it in again."
        )
    return data, None


def _head(path: Path, most: int) -> tuple[bytes, int]:
    """The first bytes of a file, and how many it has. A link is never followed, nor a pipe waited for."""
    flags = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")]
    with open(os.open(path, os.O_RDONLY | sum(flags)), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{path.name} is not a file")
        return file.read(most), about.st_size


def _timestamp(folder: Path) -> tuple[datetime | None, str | None]:
    path = folder / "timestamp.txt"
    if folder.is_symlink() or folder.parent.is_symlink():
        return None, None  # the reason why nothing was read is given already
    if path.is_symlink():
        return None, "timestamp.txt is a symbolic link; expected a file that holds a date; counted as in time"
    if not path.is_file():
        return None, None
    data, size = _head(path, TIMESTAMP_BYTES)
    if size > TIMESTAMP_BYTES:
        return None, f"timestamp.txt has {size} bytes, which is no date; counted as in time"
    text = data.decode("utf-8", errors="replace").strip()
    try:
        return parse_date(text), None
    except ValueError:
        return None, f'timestamp.txt says "{visible_message(text[:60])}", which is no date; counted as in time'


def parse_date(text: str) -> datetime:
    """A moment in UTC, as nbgrader keeps it; ValueError if the text is no date."""
    try:
        return parse_utc(text)
    except Exception as error:  # dateutil raises what its reading of a text causes, even from looking for a file
        raise ValueError(text) from error
