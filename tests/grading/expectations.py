"""What a made-up student must get, worked out from what they handed in and not by the grader."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from course_lib.grading.course import Course
from course_lib.grading.notebooks import Blueprint, grade_id
from course_lib.grading.release import blueprint
from course_lib.grading.sample import SampleStudent


def expected_points(course: Course, assignment: str, student: SampleStudent) -> dict[str, float]:
    """Points per exercise: full, none, or the visible part of a wrong answer that the visible tests let through."""
    plan = blueprint(course, assignment)
    points = {}
    for name, exercise in plan.exercises.items():
        lost = student.lost.get(name)
        if lost is None:
            points[name] = exercise.points
        elif lost == "all":
            points[name] = 0.0
        else:
            visible = [test for test in exercise.tests if not test.is_hidden]
            points[name] = sum(t.points or 0.0 for t in visible if _passes(plan, student, name, t.source))
    return points


def _passes(plan: Blueprint, student: SampleStudent, exercise: str, test: str) -> bool:
    assert student.notebook is not None
    answer = next(cell.source for cell in student.notebook.cells if grade_id(cell) == exercise)
    namespace: dict[str, Any] = {}
    exec(plan.by_id["imports"].source, namespace)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(answer, namespace)
        try:
            exec(test, namespace)
        except Exception:
            return False
    return True
