"""Finding what students handed in, and reading it without ever failing because of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.utils import parse_utc

from .course import Course
from .notebooks import Blueprint, UnreadableNotebook, parse_notebook
from .repair import repair

MAX_BYTES = 50 * 1024 * 1024


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
    """Every student's folder under submitted/STUDENT/ASSIGNMENT, sorted by student."""
    top = folder or course.submitted
    found = [Submission(assignment, p.parent.name, p) for p in top.glob(f"*/{assignment}") if p.is_dir()]
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
    path = submission.folder / f"{submission.assignment}.ipynb"
    if not path.is_file():
        others = sorted(p.name for p in submission.folder.iterdir() if p.name != "timestamp.txt")
        found = f"found {', '.join(others)}" if others else "the folder is empty"
        return None, f"missing: expected {path.name}, {found}. Rename the notebook and hand it in again."
    size = path.stat().st_size
    if size > MAX_BYTES:
        return None, (
            f"{path.name} has {size / 2**20:.0f} MB; the limit is {MAX_BYTES / 2**20:.0f} MB. "
            "Clear its outputs and hand it in again."
        )
    return path.read_bytes(), None


def _timestamp(folder: Path) -> tuple[datetime | None, str | None]:
    path = folder / "timestamp.txt"
    if not path.is_file():
        return None, None
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        return parse_date(text), None
    except ValueError:
        return None, f'timestamp.txt says "{text[:60]}", which is no date; counted as in time'


def parse_date(text: str) -> datetime:
    """A moment in UTC, as nbgrader keeps it; ValueError if the text is no date."""
    try:
        return parse_utc(text)
    except OverflowError as error:
        raise ValueError(text) from error
