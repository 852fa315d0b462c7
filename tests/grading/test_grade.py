"""A made-up class through the whole grader: scores, remarks, regrading, faults, and nbgrader's own commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.grading import batch, export, feedback, gradebook, late, release, sample
from course_lib.grading.course import Course
from course_lib.grading.engine import KernelEngine, Limits, Result
from course_lib.grading.errors import CourseError, SourceFault
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook

from . import tiny_course
from .expectations import expected_points
from .tiny_course import NAME, QUIET

pytestmark = [pytest.mark.grading, QUIET]
LIMITS = Limits(test_seconds=3)


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[Course, list[sample.SampleStudent]]:
    """The tiny course's made-up class, graded once for all tests that only look."""
    course = tiny_course.make_course(tmp_path_factory.mktemp("graded") / "course")
    release.write_release(course, NAME)
    target, students = sample.write_sample(course, NAME)
    batch.grade(target, NAME, limits=LIMITS)
    sample.mark_sample(target, NAME, students)
    return target, students


@pytest.fixture
def copy_of_graded(graded, tmp_path) -> Course:
    shutil.copytree(graded[0].root, tmp_path / "copy")
    return Course(tmp_path / "copy", tmp_path / "copy" / "_grading" / "sample")


def row_of(course, student):
    return next(row for row in gradebook.rows(course, NAME) if row.student == student)


def hand_in(course: Course, student: str, source: Path | None = None, name: str = f"{NAME}.ipynb") -> Path:
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source or course.source(NAME), folder / name)
    return folder / name


def test_the_class_has_twelve_students_of_whom_one_hands_in_nothing(graded):
    course, students = graded
    assert len(students) == 12
    assert [s.name for s in students if s.notebook is None] == ["kim"]
    assert [row.student for row in gradebook.rows(course, NAME)] == sorted(s.name for s in students)


@pytest.mark.parametrize("number", range(12))
def test_every_student_gets_the_score_that_follows_from_what_they_did(graded, number):
    course, students = graded
    student = students[number]
    row = row_of(course, student.name)
    if student.notebook is None:
        assert (row.status, row.score) == ("missing", 0.0)
        return
    assert row.status != "ungraded"
    want = expected_points(course, NAME, student)
    assert {name: score.points for name, score in row.exercises.items()} == want
    written = sum(score.points or 0.0 for score in row.written.values())
    score = sum(want.values()) + written
    taken = late.penalty(score, row.seconds_late)
    assert row.late_penalty == taken
    assert row.score == pytest.approx(score - taken)
    assert (taken > 0) == (student.timestamp == sample.LATE)


def test_the_class_is_the_same_each_time_it_is_made(graded):
    course, students = graded
    again = sample.make_sample(course, NAME)
    assert [(s.name, s.notebook, s.lost) for s in again] == [(s.name, s.notebook, s.lost) for s in students]


def test_what_was_damaged_is_told(graded):
    course, _ = graded
    assert any("missing" in r for r in row_of(course, "hana").remarks)
    assert any("2 times" in r for r in row_of(course, "ivo").remarks)
    assert any("never ends" in r for r in row_of(course, "goro").remarks)


def test_grading_again_gives_the_same_scores_and_keeps_marks_and_comments(copy_of_graded):
    course = copy_of_graded
    before = gradebook.rows(course, NAME)
    batch.grade(course, NAME, limits=LIMITS)
    assert gradebook.rows(course, NAME) == before
    assert row_of(course, "ada").written["why"].points == 5.0
    with gradebook.open_gradebook(course) as book:
        assert not book.find_grade("why", NAME, NAME, "ada").needs_manual_grade
    assert gradebook.comments(course, NAME, "ada") == {"why": "Clear, and the example is your own. Well done."}


def test_marks_survive_a_second_submission_which_is_to_be_looked_at_again(copy_of_graded):
    course = copy_of_graded
    path = course.submitted / "ada" / NAME / f"{NAME}.ipynb"
    nb = read_notebook(path)
    next(c for c in nb.cells if grade_id(c) == "scale").source = "def scale(xs, factor):\n    return []"
    write_notebook(nb, path)
    batch.grade(course, NAME, students=["ada"], limits=LIMITS)
    row = row_of(course, "ada")
    assert row.exercises["scale"].points == 0.0
    assert row.written["why"].points == 5.0
    with gradebook.open_gradebook(course) as book:
        assert book.find_grade("why", NAME, NAME, "ada").needs_manual_grade


def test_a_mark_given_later_changes_what_being_late_costs(copy_of_graded):
    course = copy_of_graded
    gradebook.mark(course, NAME, "jun", "why", 5.0, "Good.")
    feedback.write_feedback(course, NAME)
    row = row_of(course, "jun")
    assert (row.late_penalty, row.score) == (4.0, 16.0)


def test_bad_files_earn_nothing_with_a_reason_and_stop_nobody(course):
    hand_in(course, "ada")
    hand_in(course, "bob", name="homework.ipynb")
    (course.submitted / "cid" / NAME).mkdir(parents=True)
    hand_in(course, "dee").write_text("{not json")
    hand_in(course, "eve").write_bytes(b"\xff\xfe\x00junk")
    hand_in(course, "fay").write_text('{"cells": 7, "nbformat": 4, "nbformat_minor": 5, "metadata": []}')
    hand_in(course, "gil").write_text("[]")
    bom = hand_in(course, "hal")
    bom.write_bytes(b"\xef\xbb\xbf" + bom.read_bytes().replace(b"\n", b"\r\n"))
    (bom.parent / "timestamp.txt").write_text("yesterday, I think")
    rows = {row.student: row for row in batch.grade(course, NAME, limits=LIMITS).rows}
    assert rows["ada"].score == rows["hal"].score == 15.0
    assert all(rows[name].score == 0.0 for name in ("bob", "cid", "dee", "eve", "fay", "gil"))
    assert rows["bob"].remarks == [
        "missing: expected a0-tiny.ipynb, found homework.ipynb. Rename the notebook and hand it in again."
    ]
    assert "the folder is empty" in rows["cid"].remarks[0]
    assert "JSON is broken" in rows["dee"].remarks[0]
    assert "not text in UTF-8" in rows["eve"].remarks[0]
    assert any("was missing" in remark for remark in rows["fay"].remarks)
    assert "not a notebook" in rows["gil"].remarks[0]
    assert any("no date" in remark for remark in rows["hal"].remarks)


def test_a_fault_of_the_grader_leaves_no_score_and_a_regrade_gives_one(course):
    class Broken(KernelEngine):
        def run(self, job):
            return Result("broken", 0, fault="no memory left") if job.student == "bob" else super().run(job)

    hand_in(course, "ada")
    hand_in(course, "bob")
    batch.grade(course, NAME, limits=LIMITS)
    assert row_of(course, "bob").score == 15.0
    batch.grade(course, NAME, limits=LIMITS, engine=Broken(), fresh=True)
    bob = row_of(course, "bob")
    assert (bob.status, bob.score, bob.remarks) == ("ungraded", None, ["no memory left"])
    with gradebook.open_gradebook(course) as book:
        assert {g.auto_score for g in book.find_submission_notebook(NAME, NAME, "bob").grades} == {None}
    assert row_of(course, "ada").score == 15.0
    assert "Not graded yet" in feedback.write_feedback(course, NAME)[1].read_text()
    assert "bob,ungraded,,20" in export.marks(course, [NAME], "csv", must_exist=True)
    batch.grade(course, NAME, limits=LIMITS)
    assert row_of(course, "bob").score == 15.0


def test_an_exception_in_the_grader_leaves_no_score(course, monkeypatch):
    hand_in(course, "ada")
    monkeypatch.setattr(batch, "prepare", lambda *a: 1 / 0)
    batch.grade(course, NAME, limits=LIMITS)
    ada = row_of(course, "ada")
    assert ada.status == "ungraded"
    assert "ZeroDivisionError" in ada.remarks[0]


def test_a_source_changed_after_submissions_is_refused(course):
    hand_in(course, "ada")
    batch.grade(course, NAME, limits=LIMITS)
    nb = read_notebook(course.source(NAME))
    nb.cells.append(tiny_course.cell("markdown", "epilogue", "The end."))
    nb.cells[-1]["id"] = "epilogue"
    write_notebook(nb, course.source(NAME))
    with pytest.raises(SourceFault, match="cells were added or removed since submissions came in"):
        batch.grade(course, NAME, limits=LIMITS)


def test_who_is_not_there_cannot_be_graded(course):
    with pytest.raises(CourseError, match=r"nothing to grade: found no _grading/submitted/STUDENT/a0-tiny/"):
        batch.grade(course, NAME)
    hand_in(course, "ada")
    with pytest.raises(CourseError, match=r"no submission of bob .* holds: ada"):
        batch.grade(course, NAME, students=["bob"])


def test_nbgraders_own_command_gives_the_same_verdicts(graded, tmp_path):
    ours, _ = graded
    shutil.copytree(ours.root, tmp_path / "copy")
    root = tmp_path / "copy"
    theirs = Course(root, root / "_grading" / "plain")
    shutil.copytree(root / "_grading" / "sample" / "submitted", theirs.submitted)
    shutil.rmtree(theirs.submitted / "goro")  # its loop would cost this test three times as long
    tools = os.path.dirname(sys.executable)
    env = os.environ | {"PATH": tools + os.pathsep + os.environ["PATH"], "COURSE_GRADING": "_grading/plain"}
    for command in (["generate_assignment", NAME, "--force"], ["autograde", NAME], ["generate_feedback", NAME]):
        run = subprocess.run(
            [os.path.join(tools, "nbgrader"), *command], cwd=root, env=env, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr[-3000:]
    assert "WITHOUT isolation" not in run.stderr
    plain = {row.student: row.exercises for row in gradebook.rows(theirs, NAME)}
    assert len(plain) == 10
    for row in gradebook.rows(ours, NAME):
        if row.student in plain:
            assert plain[row.student] == row.exercises, row.student
    page = (theirs.feedback / "ada" / NAME / f"{NAME}.html").read_text()
    assert "tests.hidden" not in page


def test_a_made_up_class_from_before_the_cells_changed_is_made_anew(copy_of_graded, monkeypatch):
    whole = Course(copy_of_graded.root, copy_of_graded.root / "_grading")
    before = (copy_of_graded.grading / "gradebook.db").stat().st_size

    def refuse(*_):
        raise SourceFault("cells were added or removed")

    monkeypatch.setattr(sample.gradebook, "register", refuse)
    sample.write_sample(whole, NAME)
    assert (copy_of_graded.grading / "gradebook.db").stat().st_size < before, "no submission is left in the gradebook"
