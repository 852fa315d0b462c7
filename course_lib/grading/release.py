"""Source to student version, by nbgrader's own preprocessors, written so that the same source gives the same bytes."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbgrader import preprocessors as ng
from nbgrader.preprocessors import NbGraderPreprocessor

from .authoring import allowed_files, check_source
from .course import Course
from .notebooks import (
    Blueprint,
    UnreadableNotebook,
    dump_notebook,
    grade_id,
    normalise,
    read_notebook,
    write_notebook,
)


class Normalise(NbGraderPreprocessor):
    """Last step of a release: no outputs, ids from grade ids, nothing of the instructor's settings."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        nb.metadata.pop("course", None)
        return normalise(nb), resources


# nbgrader's order, without the steps for headers and generated tests. The gradebook is filled between the
# two halves, while the hidden tests are still there.
BEFORE_SAVING = [ng.LockCells, ng.ClearSolutions, ng.ClearOutput, ng.CheckCellMetadata, ng.ComputeChecksums]
AFTER_SAVING = [ng.ClearHiddenTests, ng.ClearMarkScheme, ng.ComputeChecksums, ng.CheckCellMetadata, Normalise]


@dataclass(frozen=True)
class Difference:
    """One place where the committed release is not what the source gives."""

    assignment: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.assignment}: {self.where}: {self.what}"


def grading_version(nb: NotebookNode) -> NotebookNode:
    """The source without its solutions but with its hidden tests: what nbgrader keeps in the gradebook."""
    return _run(BEFORE_SAVING, copy.deepcopy(nb))


def student_version(nb: NotebookNode) -> NotebookNode:
    """What students are given."""
    return _run(AFTER_SAVING, grading_version(nb))


def blueprint(course: Course, assignment: str) -> Blueprint:
    """The authority on the assignment's cells, taken from its source."""
    return Blueprint.from_notebook(assignment, grading_version(check_source(course, assignment)))


def write_release(course: Course, assignment: str) -> Path:
    """Make assignments/NAME afresh: the student's notebook and the files declared for it, nothing else."""
    nb = check_source(course, assignment)
    target = course.release(assignment)
    if target.parent.exists():
        shutil.rmtree(target.parent)
    write_notebook(student_version(nb), target)
    for name in sorted(allowed_files(nb)):
        (target.parent / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(course.source(assignment).parent / name, target.parent / name)
    return target


def check_release(course: Course, assignment: str) -> list[Difference]:
    """Where the committed release differs from a fresh one."""
    nb = check_source(course, assignment)
    target = course.release(assignment)
    fresh = student_version(nb)
    differences = _file_differences(course, assignment, allowed_files(nb) | {target.name})
    if not target.is_file():
        return [Difference(assignment, course.show(target), "missing"), *differences]
    if target.read_text(encoding="utf-8") == dump_notebook(fresh):
        return differences
    try:
        committed = read_notebook(target)
    except UnreadableNotebook as error:
        return [Difference(assignment, course.show(target), str(error)), *differences]
    return [*_cell_differences(assignment, committed, fresh), *differences]


def _run(steps: list[type[NbGraderPreprocessor]], nb: NotebookNode) -> NotebookNode:
    resources: dict = {}
    for step in steps:
        nb, resources = step().preprocess(nb, resources)
    return nb


def _cell_differences(assignment: str, committed: NotebookNode, fresh: NotebookNode) -> list[Difference]:
    found = []
    have = {grade_id(cell) or f"cell {n}": cell for n, cell in enumerate(committed.cells, start=1)}
    want = {grade_id(cell) or f"cell {n}": cell for n, cell in enumerate(fresh.cells, start=1)}
    for name in want.keys() - have.keys():
        found.append(Difference(assignment, f'cell "{name}"', "missing from the release"))
    for name in have.keys() - want.keys():
        found.append(Difference(assignment, f'cell "{name}"', "not in the source any more"))
    for name in want.keys() & have.keys():
        if want[name].source != have[name].source:
            line = _first_difference(have[name].source, want[name].source)
            found.append(Difference(assignment, f'cell "{name}"', line))
        elif want[name] != have[name]:
            found.append(Difference(assignment, f'cell "{name}"', "its outputs, id or metadata differ"))
    if not found:
        same_order = [c.get("id") for c in committed.cells] == [c.get("id") for c in fresh.cells]
        what = "the notebook's metadata or layout differ" if same_order else "the cells stand in another order"
        found.append(Difference(assignment, "notebook", what))
    return sorted(found, key=lambda d: d.where)


def _first_difference(have: str, want: str) -> str:
    a, b = have.splitlines(), want.splitlines()
    number = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    found = a[number].strip() if number < len(a) else "(nothing)"
    expected = b[number].strip() if number < len(b) else "(nothing)"
    return f"line {number + 1} is  {found}  and a fresh release has  {expected}"


def _file_differences(course: Course, assignment: str, expected: set[str]) -> list[Difference]:
    folder = course.release(assignment).parent
    found = []
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for name in sorted(present - expected):
        if ".ipynb_checkpoints/" not in name:
            found.append(Difference(assignment, name, "lies in the release but is not declared for students"))
    for name in sorted(expected - {f"{assignment}.ipynb"}):
        source = course.source(assignment).parent / name
        if name not in present or source.read_bytes() != (folder / name).read_bytes():
            found.append(Difference(assignment, name, "missing from the release, or not the source's copy"))
    return found
