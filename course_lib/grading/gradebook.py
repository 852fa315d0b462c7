"""nbgrader's own gradebook: recording verdicts in it, and reading a class back as rows.

One process writes. Formgrader, nbgrader's feedback and its export work on the same database.

A submission is recorded in one transaction, and then in its file, autograded/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb.
Recording the same result twice, or after being killed between the two, ends in the same gradebook.
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as ng
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from . import database
from .course import Course
from .durable import write_atomically
from .errors import CourseError, SourceFault
from .late import LatePenalty, penalty
from .notebooks import Blueprint, BlueprintCell, dump_notebook, grade_id

# nbgrader's models make SQLAlchemy repeat a remark about itself for every submission.
warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


@dataclass
class Score:
    """Points for one exercise or written question; `points` is None while nobody has judged it."""

    points: float | None
    maximum: float


@dataclass
class Row:
    """One student's line in the table of an assignment."""

    assignment: str
    student: str
    status: str  # graded | to mark | ungraded | missing
    score: float | None
    maximum: float
    late_penalty: float = 0.0
    seconds_late: float = 0.0
    exercises: dict[str, Score] = field(default_factory=dict)
    written: dict[str, Score] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


# For looking things up; what must be written whole goes through database.in_transaction.
open_gradebook = database.opened


class SaveCells(ng.SaveCells):
    """nbgrader's step on a gradebook that is open already."""

    def save(self, gradebook: Gradebook, assignment: str, nb: NotebookNode) -> None:
        self.gradebook, self.notebook_id, self.assignment_id = gradebook, assignment, assignment
        self.new_grade_cells, self.new_solution_cells = dict[str, Any](), dict[str, Any]()
        self.new_task_cells, self.new_source_cells = dict[str, Any](), dict[str, Any]()
        NbGraderPreprocessor.preprocess(self, nb, {})
        self._create_notebook(nb)


class SaveAutoGrades(ng.SaveAutoGrades):
    """nbgrader's step on a gradebook that is open already; how cells are scored and flagged is unchanged."""

    def save(self, gradebook: _OneSubmission, nb: NotebookNode) -> None:
        self.gradebook = gradebook
        self.assignment_id = self.notebook_id = self.student_id = ""  # the gradebook holds one submission only
        NbGraderPreprocessor.preprocess(self, nb, {})


class AssignLatePenalties(ng.AssignLatePenalties):
    """nbgrader's step on a gradebook that is open already."""

    def save(self, submission: SubmittedAssignment, notebook: SubmittedNotebook) -> None:
        self.init_plugin()
        notebook.late_submission_penalty = None
        if submission.total_seconds_late > 0:
            asked = self.plugin_inst.late_submission_penalty(
                submission.student_id, notebook.score, submission.total_seconds_late
            )
            if asked is not None:
                notebook.late_submission_penalty = self._check_late_penalty(notebook, asked)


class _Later:
    """A session whose commits wait for the end of the transaction."""

    def commit(self) -> None:
        pass


class _OneSubmission:
    """Answers SaveAutoGrades's questions from what was read at once, instead of with a query per cell."""

    def __init__(self, notebook: SubmittedNotebook) -> None:
        self.db = _Later()
        plan = notebook.notebook
        names = {cell.id: cell.name for cell in (*plan.grade_cells, *plan.solution_cells, *plan.task_cells)}
        self._grades = {names[grade.cell_id]: grade for grade in notebook.grades}
        self._comments = {names[comment.cell_id]: comment for comment in notebook.comments}

    def find_grade(self, name: str, *_: str) -> Grade:
        return self._found(self._grades, name)

    def find_comment(self, name: str, *_: str) -> Comment:
        return self._found(self._comments, name)

    def marked_by_hand(self) -> list[Grade]:
        return [g for g in self._grades.values() if g.manual_score is not None and not g.needs_manual_grade]

    @staticmethod
    def _found(table: dict[str, Any], name: str) -> Any:
        if name not in table:
            raise MissingEntry(f"the gradebook has no cell {name}")
        return table[name]


def register(course: Course, assignment: str, grading_version: NotebookNode) -> None:
    """Tell the gradebook which cells the assignment has and what they are worth (nbgrader's SaveCells)."""

    def work(gradebook: Gradebook) -> None:
        gradebook.update_or_create_assignment(assignment)
        SaveCells().save(gradebook, assignment, grading_version)

    try:
        database.in_transaction(course, work)
    except RuntimeError as error:
        raise SourceFault(
            f"{assignment}: cells were added or removed since submissions came in; nbgrader keeps no marks over "
            f"such a change ({error}).\n  Restore the released source, or give the changed assignment another name."
        ) from error


def enrol(course: Course, students: list[str]) -> None:
    """Students who may hand something in, so that those who do not are seen to be missing."""

    def work(gradebook: Gradebook) -> None:
        for student in students:
            gradebook.update_or_create_student(student)

    database.in_transaction(course, work)


def set_due(course: Course, assignment: str, due: datetime) -> None:
    database.in_transaction(course, lambda book: book.update_or_create_assignment(assignment, duedate=due))


def blueprint_from_gradebook(gradebook: Gradebook, assignment: str) -> Blueprint:
    """The assignment's cells as the last release recorded them."""
    notebook = gradebook.find_notebook(assignment, assignment)
    graded = {cell.name: cell for cell in notebook.grade_cells}
    tasks = {cell.name: cell for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    points = {name: float(cell.max_score) for name, cell in (graded | tasks).items()}
    cells = [
        BlueprintCell(
            grade_id=cell.name,
            cell_type=cell.cell_type,
            source=cell.source or "",
            grade=cell.name in graded,
            solution=cell.name in solutions,
            locked=bool(cell.locked),
            task=cell.name in tasks,
            points=points.get(cell.name),
            checksum=cell.checksum,
        )
        for cell in notebook.source_cells
    ]
    return Blueprint(assignment, tuple(cells))


def record(course: Course, assignment: str, student: str, nb: NotebookNode, timestamp: datetime | None) -> None:
    """Store a judged notebook by the rules of nbgrader's SaveAutoGrades and AssignLatePenalties."""
    target, fault = autograded_path(course, assignment, student), _fault_path(course, assignment, student)
    unchanged = _last_digest(target, fault) == nb.metadata["course"]["digest"]
    _check_unique(nb)

    def work(gradebook: Gradebook) -> None:
        submission, notebook = _submission(gradebook, assignment, student, timestamp)
        held = _OneSubmission(notebook)
        marked = held.marked_by_hand() if unchanged else []
        SaveAutoGrades().save(held, nb)
        # nbgrader asks for every mark given by hand to be looked at again, even if nothing was handed in anew.
        for grade in marked:
            grade.needs_manual_grade = False
        gradebook.db.flush()
        AssignLatePenalties(config=Config(AssignLatePenalties={"plugin_class": LatePenalty})).save(submission, notebook)

    database.in_transaction(course, work)
    write_atomically(target, dump_notebook(nb))
    fault.unlink(missing_ok=True)


def record_fault(course: Course, assignment: str, student: str, reason: str, timestamp: datetime | None) -> None:
    """No score: the submission is there, what a machine would have judged is not, and the reason is kept.

    Marks given by hand stay, with the digest of the work they were given for, so that a regrade finds them valid.
    """
    target, fault = autograded_path(course, assignment, student), _fault_path(course, assignment, student)

    def work(gradebook: Gradebook) -> None:
        _, notebook = _submission(gradebook, assignment, student, timestamp)
        for grade in notebook.grades:
            grade.auto_score = None
            if grade.manual_score is None:
                grade.needs_manual_grade = True

    database.in_transaction(course, work)
    write_atomically(fault, json.dumps({"reason": reason, "digest": _last_digest(target, fault)}) + "\n")
    target.unlink(missing_ok=True)


def _check_unique(nb: NotebookNode) -> None:
    """What is left of nbgrader's CheckCellMetadata: repair has replaced all else by the checked source's metadata."""
    ids = [name for name in map(grade_id, nb.cells) if name]
    if len(ids) != len(set(ids)):
        raise AssertionError(f"a repaired notebook has two cells with one id: {sorted(ids)}")


def _submission(
    gradebook: Gradebook, assignment: str, student: str, timestamp: datetime | None
) -> tuple[SubmittedAssignment, SubmittedNotebook]:
    gradebook.update_or_create_student(student)
    submission = gradebook.update_or_create_submission(assignment, student, timestamp=timestamp)
    return submission, gradebook.find_submission_notebook(assignment, assignment, student)


def mark(course: Course, assignment: str, student: str, cell: str, points: float, comment: str) -> None:
    """An instructor's mark and comment for a written question, as formgrader would store them."""

    def work(gradebook: Gradebook) -> None:
        grade = gradebook.find_grade(cell, assignment, assignment, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.find_comment(cell, assignment, assignment, student).manual_comment = comment

    database.in_transaction(course, work)


def refresh_penalties(course: Course, assignment: str) -> None:
    """Marks given by hand change what being late costs; nbgrader works it out only when it grades."""

    def work(gradebook: Gradebook) -> None:
        for submission in gradebook.assignment_submissions(assignment):
            if submission.total_seconds_late > 0:
                for notebook in submission.notebooks:
                    notebook.late_submission_penalty = penalty(notebook.score, submission.total_seconds_late)

    database.in_transaction(course, work)


def comments(course: Course, assignment: str, student: str) -> dict[str, str]:
    """What instructors wrote, by cell."""
    with open_gradebook(course) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(assignment, assignment, student)
        except MissingEntry:
            return {}
        return {c.name: c.manual_comment for c in notebook.comments if c.manual_comment}


def rows(course: Course, assignment: str) -> list[Row]:
    """Every enrolled student's line, sorted by name."""
    with open_gradebook(course) as gradebook:
        try:
            blueprint = blueprint_from_gradebook(gradebook, assignment)
        except MissingEntry as error:
            raise CourseError(f"{assignment} has no marks yet. Run: course grade {assignment}") from error
        return [_row(course, gradebook, blueprint, student.id) for student in sorted(gradebook.students, key=_by_id)]


def autograded_path(course: Course, assignment: str, student: str) -> Path:
    return course.autograded / student / assignment / f"{assignment}.ipynb"


def _by_id(student: Any) -> str:
    return student.id


def _row(course: Course, gradebook: Gradebook, blueprint: Blueprint, student: str) -> Row:
    assignment = blueprint.assignment
    try:
        submission = gradebook.find_submission(assignment, student)
        notebook = gradebook.find_submission_notebook(assignment, assignment, student)
    except MissingEntry:
        return Row(assignment, student, "missing", 0.0, blueprint.points, remarks=["nothing was handed in"])
    scores = _scores(notebook)
    exercises = {
        name: _sum([scores[test.grade_id] for test in exercise.tests], exercise.points)
        for name, exercise in blueprint.exercises.items()
    }
    written = {cell.grade_id: Score(scores[cell.grade_id], cell.points or 0.0) for cell in blueprint.written}
    fault = _read_json(_fault_path(course, assignment, student))
    row = Row(
        assignment,
        student,
        status="graded",
        score=None,
        maximum=blueprint.points,
        late_penalty=float(notebook.late_submission_penalty or 0.0),
        seconds_late=float(submission.total_seconds_late),
        exercises=exercises,
        written=written,
    )
    if fault or any(score.points is None for score in exercises.values()):
        row.status = "ungraded"
        row.remarks = [str(fault.get("reason", "not graded yet"))]
        return row
    row.score = round(max(0.0, float(notebook.score) - row.late_penalty), 4)
    if any(score.points is None for score in written.values()):
        row.status = "to mark"
    row.remarks = _remarks(autograded_path(course, assignment, student))
    return row


def _scores(notebook: SubmittedNotebook) -> dict[str, float | None]:
    """Points per graded cell; None where neither a machine nor a person has judged."""
    return {
        grade.name: None if grade.auto_score is None and grade.manual_score is None else float(grade.score)
        for grade in notebook.grades
    }


def _sum(points: list[float | None], maximum: float) -> Score:
    known = [p for p in points if p is not None]
    return Score(sum(known) if len(known) == len(points) else None, maximum)


def _remarks(path: Path) -> list[str]:
    return [str(remark) for remark in _judged(path).get("remarks", [])]


def _last_digest(target: Path, fault: Path) -> str | None:
    """Which bytes were judged last."""
    return _judged(target).get("digest") or _read_json(fault).get("digest")


def _judged(path: Path) -> dict[str, Any]:
    return _read_json(path).get("metadata", {}).get("course", {})


def _read_json(path: Path) -> dict[str, Any]:
    """A file that only this module writes; one that is not there, or was damaged, tells nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _fault_path(course: Course, assignment: str, student: str) -> Path:
    return course.grading / "ungraded" / assignment / f"{student}.json"


@contextlib.contextmanager
def logs_to_file(course: Course, name: str) -> Iterator[Path]:
    """nbgrader and nbconvert talk a lot; what they say goes to a file under logs/."""
    course.logs.mkdir(parents=True, exist_ok=True)
    path = course.logs / f"{name}.log"
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    names = ("traitlets", "nbgrader", "NbGrader", "alembic", "jupyter_client", "tornado.application", "distributed")
    loggers = [logging.getLogger(n) for n in names]
    before = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    try:
        yield path
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        handler.close()
