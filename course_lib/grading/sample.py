"""A made-up class of twelve that does what real classes do, to try the grader on and to see it right.

Everything is derived from the assignment's source, release and kept answers, so that the score each student must
get is known beforehand: see :attr:`SampleStudent.lost`.
"""

from __future__ import annotations

import ast
import builtins
import copy
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nbformat import NotebookNode

from . import gradebook, release
from .course import Course
from .errors import SourceFault
from .notebooks import (
    BEGIN_SOLUTION,
    END_SOLUTION,
    Blueprint,
    grade_id,
    is_answer,
    is_written,
    write_notebook,
)
from .parsing import parse

DUE = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
IN_TIME = "2026-01-30 12:00:00 UTC"
LATE = "2026-02-02 08:00:00 UTC"
STUB = "raise NotImplementedError()"
NOISE = ["import sys, warnings", "print('working')", "warnings.warn('careful')", "sys.stderr.write('hm')"]
ESSAY = "My answer in two sentences. The state carries what was seen before, so order matters."


@dataclass
class SampleStudent:
    """One made-up student: what they handed in, and what it must cost them.

    `lost` maps an exercise to "all" (no points), or to "hidden" (no points in the hidden tests; the visible ones
    may pass or not). Exercises not named earn full points.
    """

    name: str
    story: str
    notebook: NotebookNode | None
    timestamp: str = IN_TIME
    lost: dict[str, str] = field(default_factory=dict)
    mark: tuple[float, str] | None = None


def make_sample(course: Course, assignment: str) -> list[SampleStudent]:
    """The class for one assignment. `course` is the course itself; use :func:`write_sample` to hand it in."""
    source = release.check_source(course, assignment)
    return _Class(course, assignment, source).students()


def write_sample(course: Course, assignment: str) -> tuple[Course, list[SampleStudent]]:
    """Put the class's submissions under _grading/sample/submitted and enrol it in a gradebook of its own."""
    students = make_sample(course, assignment)
    target = course.for_sample()
    for folder in target.submitted.glob(f"*/{assignment}"):
        shutil.rmtree(folder)
    for student in students:
        if student.notebook is None:
            continue
        folder = target.submitted / student.name / assignment
        write_notebook(student.notebook, folder / f"{assignment}.ipynb")
        (folder / "timestamp.txt").write_text(student.timestamp + "\n", encoding="utf-8")
    try:
        gradebook.register(target, assignment, release.grading_version(release.check_source(course, assignment)))
    except SourceFault:
        # nbgrader keeps no marks over a change of cells; a made-up class has none worth keeping.
        (target.grading / "gradebook.db").unlink()
    gradebook.set_due(target, assignment, DUE.replace(tzinfo=None))
    gradebook.enrol(target, [student.name for student in students])
    return target, students


def mark_sample(course: Course, assignment: str, students: list[SampleStudent]) -> None:
    """The instructor's marks for the written question of those who got one; `course` is the sample's."""
    blueprint = release.blueprint(course, assignment)
    for student in students:
        if student.mark is None:
            continue
        share, comment = student.mark
        for cell in blueprint.written:
            points = round(share * (cell.points or 0.0) * 2) / 2
            gradebook.mark(course, assignment, student.name, cell.grade_id, points, comment)


class _Class:
    def __init__(self, course: Course, assignment: str, source: NotebookNode) -> None:
        self.course, self.assignment = course, assignment
        self.stub = release.student_version(source)
        self.blueprint = Blueprint.from_notebook(assignment, self.stub)
        self.answers = {grade_id(cell) or "": _without_markers(cell.source) for cell in source.cells if is_answer(cell)}
        self.given = _names_given(source)
        self.leaves = _leaves(self.answers)

    def students(self) -> list[SampleStudent]:
        names = list(self.answers)
        half = names[: max(1, len(names) // 2)]
        syntax, loop, crash, gone = (self._leaf(i) for i in range(4))
        wrong_name, wrong_source, wrong_story = self._wrong()
        stub = {cell.grade_id: cell.source for cell in self.blueprint.cells if cell.is_answer}

        def student(name: str, story: str, answers: dict[str, str], *lost: str, **more: object) -> SampleStudent:
            costs = dict.fromkeys(lost, "all")
            return SampleStudent(name, story, self._filled(answers), lost=costs, **more)  # type: ignore[arg-type]

        return [
            student(
                "ada", "everything right", self.answers, mark=(1.0, "Clear, and the example is your own. Well done.")
            ),
            student(
                "bela",
                "everything right, written differently",
                self.answers | self._kept("right"),
                mark=(0.6, "Right, but you do not say why the order of the words is lost."),
            ),
            student("chidi", "handed in untouched", {}, *names),
            student(
                "dana", "first half done", {n: self.answers[n] for n in half}, *[n for n in names if n not in half]
            ),
            SampleStudent(
                "emil",
                f"{wrong_name} wrong: {wrong_story}",
                self._filled(self.answers | {wrong_name: wrong_source}),
                lost={wrong_name: "hidden"},
            ),
            student(
                "fay",
                f"a syntax error in {syntax}",
                self.answers | {syntax: stub[syntax].replace(STUB, "return (")},
                syntax,
            ),
            student(
                "goro",
                f"an endless loop in {loop}",
                self.answers | {loop: _replace_stub(stub[loop], "while True:\n    pass")},
                loop,
            ),
            self._damaged("hana", gone),
            self._duplicated("ivo"),
            self._noisy("jun"),
            SampleStudent("kim", "enrolled, nothing handed in", None, lost=dict.fromkeys(names, "all")),
            student(
                "leo",
                f"{crash} ends the Python process",
                self.answers | {crash: _replace_stub(stub[crash], "import os\nos._exit(1)")},
                crash,
            ),
        ]

    def _filled(self, answers: dict[str, str]) -> NotebookNode:
        nb = copy.deepcopy(self.stub)
        for cell in nb.cells:
            if is_answer(cell) and grade_id(cell) in answers:
                cell.source = answers[grade_id(cell) or ""]
            elif is_written(cell) and answers:
                cell.source = ESSAY
        return nb

    def _damaged(self, name: str, gone: str) -> SampleStudent:
        nb = self._filled(self.answers)
        other = next((n for n in self.answers if n != gone), gone)
        test = self.blueprint.exercises[other].tests[0].grade_id
        nb.cells = [cell for cell in nb.cells if grade_id(cell) not in (gone, test)]
        return SampleStudent(name, f"the answer cell {gone} and the test {test} deleted", nb, lost={gone: "all"})

    def _duplicated(self, name: str) -> SampleStudent:
        nb = self._filled(self.answers)
        chosen = self._leaf(0)
        test = self.blueprint.exercises[chosen].tests[0].grade_id
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            if grade_id(cell) in (chosen, test):
                twin = copy.deepcopy(cell)
                twin["id"] = f"{twin['id']}-copy"
                # The forgotten, empty twin stands below the answer and would undo it if it ran.
                twin.source = self.blueprint.by_id[chosen].source if grade_id(cell) == chosen else cell.source
                cells.append(twin)
        nb.cells = cells
        return SampleStudent(name, f"the answer cell {chosen} and its test {test} duplicated", nb)

    def _noisy(self, name: str) -> SampleStudent:
        nb = self._filled({k: _make_noisy(v) for k, v in self.answers.items()})
        return SampleStudent(name, "right, but prints, warns, and two days late", nb, timestamp=LATE)

    def _leaf(self, number: int) -> str:
        return self.leaves[number % len(self.leaves)]

    def _wrong(self) -> tuple[str, str, str]:
        """A kept wrong answer to an exercise that no other depends on, so that the slip costs once."""
        kept = self._kept("wrong")
        for name in self.leaves:
            if name in kept:
                return name, kept[name], "a kept wrong answer"
        name = self._leaf(1)
        return name, _replace_stub(self.blueprint.by_id[name].source, "return None"), "returns nothing"

    def _kept(self, decorator: str) -> dict[str, str]:
        """The first kept answer of a kind for each exercise that needs only names the notebook has."""
        path = self.course.root / "tests" / "wrong_answers" / f"{self.assignment.replace('-', '_')}.py"
        if not path.is_file():
            return {}
        text = path.read_text(encoding="utf-8")
        found: dict[str, str] = {}
        for node in parse(text).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                is_kept = isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == decorator
                if not is_kept or not mark.args or not isinstance(mark.args[0], ast.Constant):
                    continue
                exercise = str(mark.args[0].value)
                node.decorator_list = []
                usable = _free_names(node) <= self.given | set(self.answers)
                if exercise in self.answers and exercise not in found and usable:
                    found[exercise] = ast.unparse(_renamed(node, exercise))
        return found


def _without_markers(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN_SOLUTION, END_SOLUTION))


def _replace_stub(source: str, body: str) -> str:
    lines = []
    for line in source.splitlines():
        if line.strip() == STUB:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part for part in body.splitlines()]
        else:
            lines.append(line)
    return "\n".join(lines)


def _make_noisy(source: str) -> str:
    """Print and warn at the top of each function's body, after its docstring."""
    lines = source.splitlines()
    for node in reversed(parse(source).body):
        if isinstance(node, ast.FunctionDef):
            has_docstring = ast.get_docstring(node, clean=False) is not None
            line = node.body[0].end_lineno if has_docstring else node.body[0].lineno - 1
            lines[line:line] = ["    " + text for text in NOISE]
    return "\n".join(lines)


def _leaves(answers: dict[str, str]) -> list[str]:
    """Exercises that no other answer calls; a slip in one of them costs once."""
    used = {name: _loaded(parse(source)) for name, source in answers.items()}
    leaves = [name for name in answers if not any(name in used[other] for other in answers if other != name)]
    return leaves or list(answers)


def _names_given(source: NotebookNode) -> set[str]:
    """What the import cell defines."""
    cell = next(cell for cell in source.cells if grade_id(cell) == "imports")
    given = set()
    for node in ast.walk(parse(cell.source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            given |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            given.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            given.add(node.id)
    return given


def _renamed(function: ast.FunctionDef, name: str) -> ast.FunctionDef:
    """The function under another name, which it also uses where it calls itself."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == function.name:
            node.id = name
    function.name = name
    return function


def _loaded(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _free_names(function: ast.FunctionDef) -> set[str]:
    local = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    local |= {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    local |= {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}  # its own name too
    return _loaded(function) - local - set(vars(builtins))
