"""The marks of a class as CSV or JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

from . import gradebook
from .course import Course
from .errors import CourseError

COLUMNS = ("assignment", "student", "status", "score", "max_score", "late_penalty", "seconds_late", "remarks")


def marks(course: Course, names: list[str], form: str, *, must_exist: bool) -> str:
    """One record per student and assignment; without `must_exist`, assignments never graded are left out."""
    rows: list[gradebook.Row] = []
    for name in names:
        try:
            found = gradebook.rows(course, name)
            gradebook.refresh_penalties(course, name)
            rows += gradebook.rows(course, name) if found else []
        except CourseError:
            if must_exist:
                raise
    if not rows:
        raise CourseError(f"there are no marks yet. Run: course grade {names[0]}")
    if form == "json":
        return json.dumps([dataclasses.asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
    return _csv(rows)


def _csv(rows: list[gradebook.Row]) -> str:
    parts = list(dict.fromkeys(part for row in rows for part in (*row.exercises, *row.written)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *parts])
    for row in rows:
        scores = row.exercises | row.written
        writer.writerow(
            [
                row.assignment,
                row.student,
                row.status,
                _cell(row.score),
                _cell(row.maximum),
                _cell(row.late_penalty),
                _cell(row.seconds_late),
                _safe("; ".join(row.remarks)),
                *[_cell(scores[part].points) if part in scores else "" for part in parts],
            ]
        )
    return text.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _safe(text: str) -> str:
    """A spreadsheet runs what begins with one of these; remarks hold names that students chose."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t") else text
