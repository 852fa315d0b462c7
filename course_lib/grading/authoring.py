"""The rules a source notebook must obey, each violation told with its cell and its remedy."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .course import Course
from .errors import SourceFault
from .notebooks import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    END_HIDDEN,
    END_SOLUTION,
    UnreadableNotebook,
    defined_names,
    ends_in_expression,
    exercise_of,
    grade_id,
    is_answer,
    is_test,
    is_written,
    nbgrader_of,
    read_notebook,
)
from .parsing import parse

IMPORTS = "imports"


@dataclass(frozen=True)
class Problem:
    """One broken rule: what was found, where, and what to do."""

    assignment: str
    found: str
    where: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.assignment}: {self.found}\n  {self.where}\n  {self.remedy}"


def check_source(course: Course, assignment: str) -> NotebookNode:
    """The source notebook if it obeys every rule; otherwise SourceFault naming all that is wrong."""
    path = course.source(assignment)
    try:
        nb = read_notebook(path)
    except FileNotFoundError as error:
        raise SourceFault(f"{assignment}: there is no {course.show(path)}.") from error
    except UnreadableNotebook as error:
        raise SourceFault(f"{assignment}: {error}. Restore it from version control.") from error
    problems = [*_cell_problems(nb, assignment, course.show(path)), *_file_problems(nb, course, assignment)]
    if problems:
        raise SourceFault("\n".join(map(str, problems)))
    return nb


def problems_of(nb: NotebookNode, assignment: str, shown: str | None = None) -> list[Problem]:
    """Everything wrong with the cells of a source notebook."""
    return list(_cell_problems(nb, assignment, shown or f"{assignment}.ipynb"))


def allowed_files(nb: NotebookNode) -> set[str]:
    """The files beside the source that students may have, as the notebook's metadata declare them."""
    return set(_course_metadata(nb).get("files", []))


def _course_metadata(nb: NotebookNode) -> dict[str, Any]:
    meta = nb.metadata.get("course")
    return meta if isinstance(meta, dict) else {}


def _file_problems(nb: NotebookNode, course: Course, assignment: str) -> Iterator[Problem]:
    folder = course.source(assignment).parent
    allowed = allowed_files(nb) | {f"{assignment}.ipynb"}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".ipynb_checkpoints/") or "__pycache__" in name or name in allowed:
            continue
        yield Problem(
            assignment,
            f'the file "{name}" lies beside the source; nbgrader would hand it to every student.',
            course.show(path),
            'Move it away, or declare it in the notebook\'s metadata: "course": {"files": ["' + name + '"]}',
        )
    for name in sorted(allowed_files(nb)):
        if not (folder / name).is_file():
            yield Problem(
                assignment,
                f'the metadata promise students the file "{name}", which does not exist.',
                course.show(folder / name),
                "Add the file, or take its name out of course.files.",
            )


def _cell_problems(nb: NotebookNode, assignment: str, shown: str) -> Iterator[Problem]:
    counts = Counter(filter(None, map(grade_id, nb.cells)))
    answers = [grade_id(cell) or "" for cell in nb.cells if is_answer(cell)]

    def problem(number: int, found: str, line: str, remedy: str) -> Problem:
        return Problem(assignment, found, f"{shown}, cell {number}:  {line}", remedy)

    seen: Counter[str] = Counter()
    for number, cell in enumerate(nb.cells, start=1):
        first = next((line for line in cell.source.splitlines() if line.strip()), "(empty)")[:80]
        name, meta = grade_id(cell), nbgrader_of(cell)
        if name is None:
            yield problem(
                number,
                f"a {_kind(cell)} has no nbgrader id, so students can change or delete it unnoticed.",
                first,
                "Give it an id and lock it (nbgrader's toolbar: Read-only).",
            )
            continue
        seen[name] += 1
        if seen[name] == 2:
            yield problem(
                number,
                f'the id "{name}" is used by {counts[name]} cells; ids must be unique.',
                first,
                "Rename one of them.",
            )
        if meta.get("schema_version") != 3:
            yield problem(
                number,
                f'"{name}" has nbgrader schema version {meta.get("schema_version")}; expected 3.',
                first,
                "Run: nbgrader update solutions/",
            )
        if not (is_answer(cell) or is_written(cell)) and not meta.get("locked"):
            what = "the import cell" if name == IMPORTS else f'the {_kind(cell)} "{name}"'
            yield problem(number, f"{what} is not locked.", first, 'Set "locked": true in its nbgrader metadata.')
        yield from _marker_problems(cell, problem, number, first)
        if is_test(cell):
            yield from _test_problems(cell, problem, number, first, answers, assignment)
        if is_answer(cell):
            yield from _answer_problems(cell, problem, number, first)
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            yield problem(
                number,
                f'"{name}" holds outputs; sources are kept without.',
                first,
                f"Run: course release {assignment} --tidy",
            )
    yield from _whole_problems(nb, assignment, shown, answers)


def _kind(cell: NotebookNode) -> str:
    if is_test(cell):
        return "test cell"
    return "text cell" if cell.cell_type == "markdown" else "code cell"


def _marker_problems(cell: NotebookNode, problem: Any, number: int, first: str) -> Iterator[Problem]:
    name, lines = grade_id(cell), [line.strip() for line in cell.source.splitlines()]
    for begin, end in ((BEGIN_SOLUTION, END_SOLUTION), (BEGIN_HIDDEN, END_HIDDEN)):
        marks = [line for line in lines if line in (begin, end)]
        # nbgrader looks for the words anywhere in a line; a misspelt marker would publish the solution.
        loose = sum(begin[4:] in line or end[4:] in line for line in lines)
        if marks != [begin, end] * (len(marks) // 2) or loose != len(marks):
            yield problem(
                number,
                f'"{name}" has unbalanced or misspelt markers; each "{begin}" needs one "{end}" after it.',
                next((line for line in lines if begin[4:] in line or end[4:] in line), first),
                "Put each marker on a line of its own, begin and end in pairs.",
            )
    if BEGIN_SOLUTION in lines and not nbgrader_of(cell).get("solution"):
        yield problem(
            number,
            f'the {_kind(cell)} "{name}" holds a solution; only answer cells are emptied on release.',
            BEGIN_SOLUTION,
            "Move the solution to the answer cell.",
        )
    if BEGIN_HIDDEN in lines and not is_test(cell):
        yield problem(
            number,
            f'"{name}" holds hidden tests but is not a test cell.',
            BEGIN_HIDDEN,
            "Move them to a graded, locked code cell.",
        )


def _test_problems(
    cell: NotebookNode, problem: Any, number: int, first: str, answers: list[str], assignment: str
) -> Iterator[Problem]:
    name = grade_id(cell)
    try:
        last = ends_in_expression(cell.source)
    except SyntaxError as error:
        yield problem(
            number, f'test cell "{name}" is not Python: {error.msg} (line {error.lineno}).', first, "Correct it."
        )
        return
    if last:
        yield problem(
            number,
            f'test cell "{name}" ends in an expression; nbgrader gives full marks even if it is False.',
            last.splitlines()[0],
            f'Write:  assert {last.splitlines()[0]}, "..."',
        )
    if exercise_of(name or "", answers) is None:
        yield problem(
            number,
            f'test cell "{name}" belongs to no exercise; answer cells are: {", ".join(answers) or "none"}.',
            first,
            "Name it after its exercise: NAME-visible or NAME-hidden.",
        )
    for judged in _judged_assignments(cell.source):
        if judged != assignment:
            yield problem(
                number,
                f'test cell "{name}" judges "{judged}", but this is {assignment}.',
                f'judge("{judged}", ...)',
                f'Write:  judge("{assignment}", ...)',
            )


def _judged_assignments(source: str) -> Iterator[str]:
    for node in ast.walk(parse(source)):
        is_judge = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "judge"
        if is_judge and node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def _answer_problems(cell: NotebookNode, problem: Any, number: int, first: str) -> Iterator[Problem]:
    name = grade_id(cell)
    defined = defined_names(cell.source)
    if defined != [name]:
        found = ", ".join(defined) or "nothing"
        yield problem(
            number,
            f'the answer cell "{name}" defines {found}; expected exactly one function called {name}.',
            first,
            "Make the cell's id and the function's name the same; move helpers to the import cell.",
        )
    if BEGIN_SOLUTION not in cell.source:
        yield problem(
            number,
            f'the answer cell "{name}" has no "{BEGIN_SOLUTION}"; its signature would be taken out as well.',
            first,
            "Put the markers around the body, below the docstring.",
        )


def _whole_problems(nb: NotebookNode, assignment: str, shown: str, answers: list[str]) -> Iterator[Problem]:
    if not any(grade_id(cell) == IMPORTS for cell in nb.cells):
        yield Problem(
            assignment, 'there is no cell with the id "imports".', shown, "Give the locked import cell this id."
        )
    tested = {exercise_of(grade_id(cell) or "", answers) for cell in nb.cells if is_test(cell)}
    for name in answers:
        if name not in tested:
            yield Problem(assignment, f'no test cell judges "{name}".', shown, f"Add {name}-visible and {name}-hidden.")
    graded = [cell for cell in nb.cells if nbgrader_of(cell).get("grade")]
    for cell in graded:
        points = nbgrader_of(cell).get("points")
        if not isinstance(points, int | float) or points < 0:
            yield Problem(
                assignment, f'"{grade_id(cell)}" has points {points!r}.', shown, "Give it a number, zero or more."
            )
            return
    declared = _course_metadata(nb).get("points")
    total = sum(float(nbgrader_of(cell)["points"]) for cell in graded)
    if declared is not None and float(declared) != total:
        yield Problem(
            assignment,
            f"the cells' points add up to {total:g}; the notebook's metadata declare {float(declared):g}.",
            f"{shown}, metadata: course.points",
            "Change the cells' points or course.points.",
        )


def tidy_source(path: Path) -> bool:
    """Rewrite a source without outputs and with ids from grade ids; True if anything changed."""
    from .notebooks import dump_notebook, normalise

    before = path.read_text(encoding="utf-8")
    after = dump_notebook(normalise(read_notebook(path)))
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before
