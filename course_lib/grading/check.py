"""What a student runs before handing in: the visible tests, and whether the notebook is whole."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

from . import release
from .authoring import check_source
from .course import Course
from .engine import Job, KernelEngine, Limits, Result
from .errors import CourseError, MachineFault, Misuse
from .notebooks import Blueprint, UnreadableNotebook, grade_id, is_written, read_notebook
from .repair import repair


@dataclass(frozen=True)
class Line:
    """One exercise or written question: `state` is "ready", "written", "not started" or "fails"."""

    name: str
    state: str
    message: str = ""

    @property
    def done(self) -> bool:
        return self.state in ("ready", "written")


@dataclass
class CheckReport:
    assignment: str
    lines: list[Line] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return all(line.done for line in self.lines) and not self.warnings


def check(course: Course, path: Path, assignment: str | None = None, limits: Limits | None = None) -> CheckReport:
    """Run a notebook's visible tests in a fresh kernel, as the grader will, on a copy of it."""
    if not path.is_file():
        raise Misuse(f"there is no file {path}.")
    try:
        nb = read_notebook(path)
    except UnreadableNotebook as error:
        raise CourseError(f"{error}. Open it in Jupyter, save it and check it again.") from error
    name = course.find(assignment) if assignment else _guess(course, path, {grade_id(c) for c in nb.cells})
    report = CheckReport(name)
    blueprint = _student_blueprint(course, name)
    report.warnings = [_as_warning(remark) for remark in repair(nb, blueprint)]
    if path.name != f"{name}.ipynb":
        report.warnings.append(f"the file is called {path.name}; hand it in as {name}.ipynb")
    result = KernelEngine().run(Job.make(name, "check", _visible_only(nb, blueprint), course.root, _or(limits), None))
    if result.fault:
        raise MachineFault(f"{result.fault}. Nothing is known about your notebook; try again.")
    report.warnings += [r for r in result.remarks if "experiment" in r or "your cell" in r]
    report.lines = [_line(blueprint, exercise, result) for exercise in blueprint.exercises]
    for cell in nb.cells:
        if is_written(cell):
            untouched = cell.source.strip() == blueprint.by_id[grade_id(cell) or ""].source.strip()
            report.lines.append(Line(grade_id(cell) or "", "not started" if untouched else "written"))
    return report


def _or(limits: Limits | None) -> Limits:
    return limits or Limits()


def _guess(course: Course, path: Path, ids: set[str | None]) -> str:
    """The assignment called like the file, or else the one whose cells the notebook has most of."""
    if path.stem in course.names():
        return path.stem
    shared = {name: len(ids & set(_student_blueprint(course, name).by_id)) for name in course.names()}
    best = max(shared, key=lambda name: shared[name], default=None)
    if best is None or shared[best] < 3:
        raise Misuse(
            f"cannot tell which assignment {path.name} is. Name it: course check {path.name} --assignment NAME "
            f"(there is: {', '.join(course.names()) or 'none'})"
        )
    return best


def _student_blueprint(course: Course, assignment: str) -> Blueprint:
    """From the release that students have; a source serves where nothing is released yet."""
    path = course.release(assignment)
    nb = read_notebook(path) if path.is_file() else release.student_version(check_source(course, assignment))
    return Blueprint.from_notebook(assignment, nb)


def _visible_only(nb: release.NotebookNode, blueprint: Blueprint) -> release.NotebookNode:
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        spec = blueprint.by_id.get(grade_id(cell) or "")
        if spec is not None and spec.is_hidden:
            cell.source = ""
    return nb


def _line(blueprint: Blueprint, exercise: str, result: Result) -> Line:
    tests = [t.grade_id for t in blueprint.exercises[exercise].tests if t.grade_id in result.tests]
    failed = [result.tests[t].message for t in tests if not result.tests[t].passed]
    if not failed:
        return Line(exercise, "ready")
    if failed[0].startswith("not started"):
        return Line(exercise, "not started")
    return Line(exercise, "fails", failed[0])


def _as_warning(remark: str) -> str:
    return remark.replace("the original was run", "the grader runs the original").replace(
        "it counts as not answered", "put it back from the assignment, or it counts as not answered"
    )
