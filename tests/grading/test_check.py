"""What a student is told before handing in."""

from __future__ import annotations

import pytest

from course_lib.grading import check, release
from course_lib.grading.engine import Limits
from course_lib.grading.errors import CourseError, Misuse
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook

from .tiny_course import NAME, SCALE, reference

pytestmark = pytest.mark.grading


@pytest.fixture
def mine(course, tmp_path):
    release.write_release(course, NAME)
    path = tmp_path / "home" / f"{NAME}.ipynb"
    write_notebook(read_notebook(course.release(NAME)), path)
    return path


def edit(path, **sources):
    nb = read_notebook(path)
    for cell in nb.cells:
        cell.source = sources.get(grade_id(cell), cell.source)
    write_notebook(nb, path)


def test_states_are_told_apart(course, mine):
    edit(mine, scale=reference(SCALE), running_sum="def running_sum(xs):\n    return list(xs)")
    before = mine.read_bytes()
    report = check.check(course, mine, limits=Limits(test_seconds=5))
    assert [(line.name, line.state) for line in report.lines] == [
        ("scale", "ready"),
        ("running_sum", "fails"),
        ("why", "not started"),
    ]
    assert report.lines[1].message == "is total carried from step to step?"
    assert not report.ready
    assert mine.read_bytes() == before


def test_damage_and_a_wrong_name_are_warned_about(course, mine):
    nb = read_notebook(mine)
    nb.cells = [cell for cell in nb.cells if grade_id(cell) not in ("scale", "running_sum-visible")]
    path = mine.with_name("final_v2.ipynb")
    write_notebook(nb, path)
    report = check.check(course, path)
    assert report.assignment == NAME
    told = "\n".join(report.warnings)
    assert 'the answer cell "scale" was missing; put it back from the assignment' in told
    assert '"running_sum-visible" was missing' in told
    assert "hand it in as a0-tiny.ipynb" in told


def test_hidden_tests_of_an_instructor_do_not_run(course, mine):
    report = check.check(course, course.source(NAME))
    assert [line.state for line in report.lines] == ["ready", "ready", "not started"]


def test_what_cannot_be_checked_is_said(course, tmp_path):
    with pytest.raises(Misuse, match="there is no file"):
        check.check(course, tmp_path / "nothing.ipynb")
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    with pytest.raises(CourseError, match="JSON is broken"):
        check.check(course, broken)
    other = tmp_path / "diary.ipynb"
    other.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with pytest.raises(Misuse, match=r"cannot tell which assignment diary\.ipynb is.*a0-tiny"):
        check.check(course, other)
