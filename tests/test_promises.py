"""The five promises for every assignment there is, discovered in solutions/."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.grading import authoring, batch, gradebook, mutants, release
from course_lib.grading.course import Course
from course_lib.grading.notebooks import (
    BEGIN_SOLUTION,
    END_SOLUTION,
    grade_id,
    is_answer,
    is_test,
    read_notebook,
    write_notebook,
)
from tests.grading.tiny_course import QUIET
from tests.hidden import chosen, hidden_tests, references

ROOT = Path(__file__).parents[1]
COURSE = Course(ROOT, ROOT / "_grading")
ASSIGNMENTS = COURSE.names()

BETWEEN_MARKERS = re.compile(rf"{BEGIN_SOLUTION}.*?{END_SOLUTION}", re.DOTALL)

pytestmark = [pytest.mark.grading, QUIET, pytest.mark.parametrize("assignment", ASSIGNMENTS)]


def answers(assignment: str) -> dict[str, str]:
    nb = read_notebook(COURSE.source(assignment))
    return {grade_id(cell) or "": cell.source for cell in nb.cells if is_answer(cell)}


def function_of(source: str) -> ast.FunctionDef | ast.ClassDef:
    (node,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    return node


def body_of(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return [ast.dump(statement) for statement in statements]


def asked(source: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Each function with markers, which are the first and the last line of its body, and the text between them.

    An exercise is one function, or a class of which some methods are asked for and the others given.
    """
    lines = source.splitlines()
    marks = [i for i, line in enumerate(lines, 1) if line.strip() in (BEGIN_SOLUTION, END_SOLUTION)]
    node = function_of(source)
    functions = [node] if isinstance(node, ast.FunctionDef) else [n for n in node.body if hasattr(n, "body")]
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        (owner,) = (f for f in functions if f.lineno < begin and (f.body[-1].end_lineno or 0) + 1 == end)
        yield textwrap.dedent("\n".join(lines[begin : end - 1])), owner


def handed_in(target: Course, assignment: str, student: str, nb) -> None:
    write_notebook(nb, target.submitted / student / assignment / f"{assignment}.ipynb")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The reference solution and the untouched release of an assignment, graded by `course grade`."""
    done: dict[str, Course] = {}

    def grade(assignment: str) -> Course:
        if assignment not in done:
            target = Course(ROOT, tmp_path_factory.mktemp(assignment))
            handed_in(target, assignment, "reference", read_notebook(COURSE.source(assignment)))
            handed_in(
                target, assignment, "untouched", release.student_version(authoring.check_source(COURSE, assignment))
            )
            batch.grade(target, assignment)
            done[assignment] = target
        return done[assignment]

    return grade


def row_of(course: Course, assignment: str, student: str) -> gradebook.Row:
    return next(row for row in gradebook.rows(course, assignment) if row.student == student)


def test_1_the_source_obeys_the_authoring_rules(assignment):
    authoring.check_source(COURSE, assignment)


def test_1_the_exercises_are_those_that_have_references_and_hidden_tests(assignment):
    assert list(answers(assignment)) == list(references(assignment)) == list(hidden_tests(assignment))
    assert all(hidden_tests(assignment).values())


def test_1_the_solutions_are_the_librarys_own_functions(assignment):
    for name, reference in references(assignment).items():
        ours, theirs = function_of(inspect.getsource(reference)), function_of(answers(assignment)[name])
        assert ast.get_docstring(theirs) == ast.get_docstring(ours), f"{name}: the docstrings differ"
        assert body_of(theirs) == body_of(ours), f"{name}: the bodies differ"
        if isinstance(ours, ast.FunctionDef):
            assert ast.dump(theirs.args) == ast.dump(ours.args), f"{name}: the signatures differ"


def test_1_the_markers_hold_whole_bodies_and_nothing_else(assignment):
    for name in references(assignment):
        parts = list(asked(answers(assignment)[name]))
        assert parts, name
        for between, function in parts:
            inside = ast.parse("def f():\n" + textwrap.indent(between, "    ")).body[0].body
            assert [ast.dump(statement) for statement in inside] == body_of(function), (name, function.name)


def test_1_every_hidden_test_is_run_by_some_cell(assignment):
    run = set()
    for cell in filter(is_test, read_notebook(COURSE.source(assignment)).cells):
        for call in (node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", "") == "judge":
                part = [ast.literal_eval(word) for word in call.args[1:]]
                for keyword in call.keywords:
                    run.update(chosen(hidden_tests(assignment)[keyword.arg or ""], *part))
    assert [test.__name__ for tests in hidden_tests(assignment).values() for test in tests if test not in run] == []


def test_2_the_reference_earns_full_marks(assignment, graded):
    row = row_of(graded(assignment), assignment, "reference")
    assert row.remarks == []
    for name, score in row.exercises.items():
        assert score.points == score.maximum > 0, name


def test_2_the_reference_earns_full_marks_through_plain_nbgrader(assignment, tmp_path):
    target = Course(ROOT, tmp_path)
    source = read_notebook(COURSE.source(assignment))
    handed_in(target, assignment, "reference", source)
    gradebook.register(target, assignment, release.grading_version(source))
    tools = os.path.dirname(sys.executable)
    run = subprocess.run(
        [os.path.join(tools, "nbgrader"), "autograde", assignment],
        cwd=ROOT,
        env=os.environ | {"PATH": tools + os.pathsep + os.environ["PATH"], "COURSE_GRADING": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    row = row_of(target, assignment, "reference")
    for name, score in row.exercises.items():
        assert score.points == score.maximum > 0, name


def test_3_the_committed_release_equals_a_fresh_one(assignment):
    assert [str(d) for d in release.check_release(COURSE, assignment)] == []


def test_3_the_release_holds_no_solution_and_no_hidden_test(assignment):
    nb = read_notebook(COURSE.release(assignment))
    text = "\n".join(cell.source for cell in nb.cells)
    for secret in ("BEGIN SOLUTION", "HIDDEN TESTS", "tests.hidden", "judge("):
        assert secret not in text
    released = {grade_id(cell): cell.source for cell in nb.cells}
    for name, reference in references(assignment).items():
        answer, parts = answers(assignment)[name], list(asked(answers(assignment)[name]))
        assert released[name].count("raise NotImplementedError()") == len(parts)
        # The methods of a class that are given may hold the same line as one that is asked for.
        given = "\n".join(BETWEEN_MARKERS.split(answer)) if isinstance(reference, type) else ""
        for between, _ in parts:
            for statement in ast.parse("def f():\n" + textwrap.indent(between, "    ")).body[0].body:
                line = ast.unparse(statement).splitlines()[0]
                assert line in given or line not in released[name], f"{name}: the release gives away {line}"


def test_3_nothing_but_the_declared_files_lies_in_the_release(assignment):
    declared = authoring.allowed_files(read_notebook(COURSE.source(assignment)))
    folder = COURSE.release(assignment).parent
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {p for p in present if ".ipynb_checkpoints" not in p} == declared | {f"{assignment}.ipynb"}


def test_4_handed_in_untouched_it_earns_nothing_exercise_by_exercise(assignment, graded):
    row = row_of(graded(assignment), assignment, "untouched")
    assert {name: score.points for name, score in row.exercises.items()} == dict.fromkeys(row.exercises, 0.0)
    assert row.score == 0.0


def test_4_nor_does_any_single_test_cell_pass_on_the_stubs(assignment, graded):
    nb = read_notebook(gradebook.autograded_path(graded(assignment), assignment, "untouched"))
    assert all(cell.outputs and cell.outputs[0].output_type == "error" for cell in nb.cells if is_test(cell))


def test_5_wrong_answers_are_rejected_and_right_ones_accepted(assignment):
    tallies = mutants.measure(COURSE, assignment)
    weak = {
        t.exercise: (t.complaints, [s.id for s in t.unexplained], f"{100 * t.rate:.1f} %")
        for t in tallies
        if not mutants.good_enough([t])
    }
    assert weak == {}
