"""nbgrader's own gradebook: recording verdicts in it, and reading a class back as rows.

One process writes. Formgrader, nbgrader's feedback and its export work on the same file.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as ng
from nbgrader.api import Gradebook, MissingEntry, SubmittedNotebook
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from .course import Course
from .errors import CourseError, SourceFault
from .late import LatePenalty, penalty
from .notebooks import Blueprint, BlueprintCell, read_notebook, write_notebook

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


@contextlib.contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    from .config import put_tools_on_path

    put_tools_on_path()
    course.grading.mkdir(parents=True, exist_ok=True)
    # nbgrader reports what it does on this logger; the batch sends it to a file.
    try:
        gradebook = Gradebook(course.gradebook_url)
    except Exception as error:
        where = course.show(course.grading / "gradebook.db")
        raise CourseError(
            f"the gradebook {where} cannot be opened ({type(error).__name__}: {error}). "
            "If it is damaged, put back a copy; if it is only missing, run the command again."
        ) from error
    with gradebook:
        yield gradebook


def register(course: Course, assignment: str, grading_version: NotebookNode) -> None:
    """Tell the gradebook which cells the assignment has and what they are worth (nbgrader's SaveCells)."""
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment(assignment)
    where = {"notebook": assignment, "assignment": assignment, "db_url": course.gradebook_url}
    try:
        ng.SaveCells().preprocess(grading_version, {"nbgrader": where})
    except RuntimeError as error:
        raise SourceFault(
            f"{assignment}: cells were added or removed since submissions came in; nbgrader keeps no marks over "
            f"such a change ({error}).\n  Restore the released source, or give the changed assignment another name."
        ) from error


def enrol(course: Course, students: list[str]) -> None:
    """Students who may hand something in, so that those who do not are seen to be missing."""
    with open_gradebook(course) as gradebook:
        for student in students:
            gradebook.update_or_create_student(student)


def set_due(course: Course, assignment: str, due: datetime) -> None:
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment(assignment, duedate=due)


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
    """Store a judged notebook by nbgrader's unmodified SaveAutoGrades and AssignLatePenalties."""
    target = autograded_path(course, assignment, student)
    unchanged = _digest(target) == nb.metadata["course"]["digest"]
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(assignment, student, timestamp=timestamp)
        marked = _marked_by_hand(gradebook, assignment, student) if unchanged else []
    resources = {
        "nbgrader": {
            "student": student,
            "assignment": assignment,
            "notebook": assignment,
            "db_url": course.gradebook_url,
        }
    }
    late = Config(AssignLatePenalties={"plugin_class": LatePenalty})
    for step in (ng.SaveAutoGrades(), ng.AssignLatePenalties(config=late), ng.CheckCellMetadata()):
        nb, resources = step.preprocess(nb, resources)
    with open_gradebook(course) as gradebook:
        # nbgrader asks for every mark given by hand to be looked at again, even if nothing was handed in anew.
        for name in marked:
            gradebook.find_grade(name, assignment, assignment, student).needs_manual_grade = False
        gradebook.db.commit()
    write_notebook(nb, target)
    _fault_path(course, assignment, student).unlink(missing_ok=True)


def record_fault(course: Course, assignment: str, student: str, reason: str, timestamp: datetime | None) -> None:
    """No score: the submission is there, what a machine would have judged is not, and the reason is kept."""
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(assignment, student, timestamp=timestamp)
        notebook = gradebook.find_submission_notebook(assignment, assignment, student)
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        gradebook.db.commit()
    autograded_path(course, assignment, student).unlink(missing_ok=True)
    path = _fault_path(course, assignment, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason + "\n", encoding="utf-8")


def mark(course: Course, assignment: str, student: str, cell: str, points: float, comment: str) -> None:
    """An instructor's mark and comment for a written question, as formgrader would store them."""
    with open_gradebook(course) as gradebook:
        grade = gradebook.find_grade(cell, assignment, assignment, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.find_comment(cell, assignment, assignment, student).manual_comment = comment
        gradebook.db.commit()


def refresh_penalties(course: Course, assignment: str) -> None:
    """Marks given by hand change what being late costs; nbgrader works it out only when it grades."""
    with open_gradebook(course) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            for notebook in submission.notebooks:
                if submission.total_seconds_late > 0:
                    notebook.late_submission_penalty = penalty(notebook.score, submission.total_seconds_late)
        gradebook.db.commit()


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
    fault = _fault_path(course, assignment, student)
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
    if fault.is_file() or any(score.points is None for score in exercises.values()):
        row.status = "ungraded"
        row.remarks = [fault.read_text(encoding="utf-8").strip() if fault.is_file() else "not graded yet"]
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
    if not path.is_file():
        return []
    return [str(remark) for remark in read_notebook(path).metadata.get("course", {}).get("remarks", [])]


def _digest(path: Path) -> str | None:
    return read_notebook(path).metadata.get("course", {}).get("digest") if path.is_file() else None


def _marked_by_hand(gradebook: Gradebook, assignment: str, student: str) -> list[str]:
    notebook = gradebook.find_submission_notebook(assignment, assignment, student)
    return [g.name for g in notebook.grades if g.manual_score is not None and not g.needs_manual_grade]


def _fault_path(course: Course, assignment: str, student: str) -> Path:
    return course.grading / "ungraded" / assignment / f"{student}.txt"


@contextlib.contextmanager
def logs_to_file(course: Course, name: str) -> Iterator[Path]:
    """nbgrader and nbconvert talk a lot; what they say goes to a file under logs/."""
    course.logs.mkdir(parents=True, exist_ok=True)
    path = course.logs / f"{name}.log"
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(n) for n in ("traitlets", "nbgrader", "NbGrader", "alembic", "jupyter_client")]
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
