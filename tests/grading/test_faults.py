"""Nothing is lost: kept results, whole files, one writer, and the random faults of faults.py in a few rounds."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.grading import batch, database, durable, gradebook, release, results
from course_lib.grading.course import Course
from course_lib.grading.engine import Limits, Result, seed_for
from course_lib.grading.errors import CourseError, Misuse

from . import faults, tiny_course
from .fakes import FastEngine
from .tiny_course import NAME, QUIET, ROOT

pytestmark = [pytest.mark.grading, QUIET]


@pytest.fixture(scope="module")
def _template(tmp_path_factory) -> Path:
    course = tiny_course.make_course(tmp_path_factory.mktemp("handed-in") / "course")
    release.write_release(course, NAME)
    gradebook.enrol(course, [])
    for number in range(8):
        faults.hand_in(course, number, 1)
    return course.root


@pytest.fixture
def handed_in(_template, tmp_path) -> Course:
    """The tiny course with eight submissions."""
    shutil.copytree(_template, tmp_path / "course")
    return Course(tmp_path / "course", tmp_path / "course" / "_grading")


def executed(course: Course, **options) -> list[str]:
    engine = FastEngine()
    report = batch.grade(course, NAME, engine=engine, **options)
    assert report.executed == len(engine.ran)
    return sorted(engine.ran)


def test_repeating_a_run_that_was_killed_filled_or_locked_ends_as_if_it_had_not_been():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.grading.faults", "--rounds", "10", "--seed", "20260101"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "10 rounds, 0 with a gradebook that differs" in run.stdout


def test_a_sweep_tells_two_gradebooks_apart(handed_in):
    batch.grade(handed_in, NAME, engine=FastEngine())
    before = faults.dump(handed_in)
    assert faults.difference(faults.dump(handed_in), before) is None
    gradebook.mark(handed_in, NAME, "s01", "why", 1.0, "")
    assert "s01" in faults.difference(faults.dump(handed_in), before)


def test_a_repeated_run_executes_nothing_and_a_fresh_one_everything(handed_in):
    everybody = [f"s{n:02d}" for n in range(8)]
    assert executed(handed_in) == everybody
    before = faults.dump(handed_in)
    assert executed(handed_in) == []
    assert executed(handed_in, fresh=True) == everybody
    assert faults.dump(handed_in) == before


def test_only_what_was_handed_in_anew_is_executed(handed_in):
    executed(handed_in)
    faults.hand_in(handed_in, 3, 2)
    faults.hand_in(handed_in, 9, 1)
    assert executed(handed_in) == ["s03", "s09"]


def change_hidden_tests(course):
    path = course.root / "tests" / "hidden" / "a0_tiny.py"
    path.write_text(path.read_text() + "\n# stricter\n")


def change_lock(course):
    (course.root / "requirements.txt").write_text("numpy==0\nno-such-package==1\n")


def change_source(course):
    path = course.source(NAME)
    path.write_text(path.read_text().replace("each entry times factor", "every entry times factor"))


@pytest.mark.parametrize("change", [change_hidden_tests, change_lock, change_source])
def test_what_judges_is_part_of_a_result(handed_in, change):
    executed(handed_in)
    change(handed_in)
    assert len(executed(handed_in)) == 8


def test_limits_and_term_are_part_of_a_result(handed_in):
    executed(handed_in)
    assert len(executed(handed_in, limits=Limits(test_seconds=3))) == 8
    assert len(executed(handed_in, term="2026-autumn")) == 8
    assert executed(handed_in) == []  # the term is remembered


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-40],
        lambda text: "",
        lambda text: text.replace("passed", "failed"),
        lambda text: json.dumps(json.loads(text) | {"key": "0" * 64}),
        lambda text: "[]",
    ],
    ids=["truncated", "empty", "edited", "misplaced", "foreign"],
)
def test_a_damaged_result_is_worked_out_again(handed_in, damage):
    executed(handed_in)
    before = faults.dump(handed_in)
    paths = sorted((handed_in.grading / "results").glob("*/*.json"))
    assert len(paths) == 8
    # A result without a passed test is not changed by the edit, and which names come first is chance.
    changed = [path for path in paths if damage(path.read_text()) != path.read_text()][:2]
    for path in changed:
        path.write_text(damage(path.read_text()))
    assert len(executed(handed_in)) == len(changed) == 2
    assert faults.dump(handed_in) == before
    assert executed(handed_in) == []


def test_a_fault_of_the_machine_is_never_kept_and_leaves_marks_by_hand_valid(handed_in):
    class Broken(FastEngine):
        def run(self, job):
            self.ran.append(job.student)
            return Result(self.name, job.seed, fault="no memory left")

    executed(handed_in)
    gradebook.mark(handed_in, NAME, "s01", "why", 2.0, "Well said.")
    before = faults.dump(handed_in)
    report = batch.grade(handed_in, NAME, engine=Broken(), fresh=True)
    assert {row.status for row in report.rows} == {"ungraded"}
    assert {row.score for row in report.rows} == {None}
    for path in (handed_in.grading / "results").rglob("*.json"):
        path.unlink()
    batch.grade(handed_in, NAME, engine=Broken())
    assert not list((handed_in.grading / "results").rglob("*.json"))
    assert len(executed(handed_in)) == 8
    assert faults.dump(handed_in) == before


def test_seeds_differ_between_students_and_terms_and_stay():
    seeds = {results.seed(NAME, s, t) for s in ("ada", "bob") for t in ("default", "2026-autumn", "2027-spring")}
    assert len(seeds) == 6
    assert results.seed(NAME, "ada", "default") == seed_for(NAME, "ada")  # as plain `nbgrader autograde` draws them
    assert results.seed(NAME, "ada", "2026-autumn") == results.seed(NAME, "ada", "2026-autumn")


def test_a_term_is_kept_and_must_have_a_name(course):
    assert results.remember_term(course, None) == "default"
    assert results.remember_term(course, "2026-autumn") == "2026-autumn"
    assert results.remember_term(course, None) == "2026-autumn"
    with pytest.raises(Misuse, match="no name for a term"):
        results.remember_term(course, "a/b\n")


HOLD = """
import sys, time
from pathlib import Path
from course_lib.grading.durable import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), "grading"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_grader_is_told_who_grades_and_a_killed_one_locks_nobody_out(handed_in):
    lock = handed_in.grading / "grade.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CourseError, match=rf"process {holder.pid} on .* is already grading here"):
            executed(handed_in)
        holder.kill()
        holder.wait()
    assert str(holder.pid) in lock.read_text()
    assert len(executed(handed_in)) == 8


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "kept.json"
    durable.write_atomically(path, "old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(durable.CannotGoOn, match=r"No space left on device.*make room"):
        durable.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_stops_the_batch_with_a_remedy_instead_of_ungrading_the_class(handed_in, monkeypatch):
    executed(handed_in)
    before = faults.dump(handed_in)

    def full(self, name, result):
        raise durable.CannotGoOn("no room")

    with monkeypatch.context() as patch:
        patch.setattr(results.Store, "write", full)
        with pytest.raises(CourseError, match="no room"):
            batch.grade(handed_in, NAME, engine=FastEngine(), fresh=True)
    assert faults.dump(handed_in) == before


def test_a_database_locked_for_too_long_is_named_and_nothing_is_lost(handed_in, monkeypatch):
    executed(handed_in)
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.1)
    database._engine.cache_clear()
    other = sqlite3.connect(handed_in.grading / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(CourseError, match=r"gradebook\.db could not be used .*locked.*End that"):
            executed(handed_in)
    finally:
        other.close()
        database._engine.cache_clear()
    assert executed(handed_in) == []


def test_an_unfinished_transaction_leaves_nothing_behind(handed_in):
    executed(handed_in)
    before = faults.dump(handed_in)

    def work(book):
        book.update_or_create_student("zoe")
        book.find_grade("scale-visible", NAME, NAME, "s01").auto_score = 0.5
        book.db.commit()  # nbgrader's own commits are no end
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.in_transaction(handed_in, work)
    assert faults.dump(handed_in) == before


def test_a_gradebook_that_nbgrader_half_made_is_completed(course):
    course.grading.mkdir()
    half = sqlite3.connect(course.grading / "gradebook.db")
    half.execute("CREATE TABLE course (id VARCHAR(128) PRIMARY KEY)")
    half.commit()
    half.close()
    gradebook.enrol(course, ["ada"])
    with gradebook.open_gradebook(course) as book:
        assert [s.id for s in book.students] == ["ada"]
    versions = sqlite3.connect(course.grading / "gradebook.db").execute("SELECT count(*) FROM alembic_version")
    assert versions.fetchone() == (1,)


def test_the_configured_database_is_for_the_class_and_not_for_the_made_up_one(course, monkeypatch):
    assert database.url_of(course) == course.gradebook_url
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nc.CourseDirectory.db_url = "postgresql+psycopg://me:secret@db/marks"\n')
    database._configured.cache_clear()
    assert database.url_of(course) == "postgresql+psycopg://me:secret@db/marks"
    assert database.shown(course) == "postgresql+psycopg://me:***@db/marks"
    assert database.url_of(course.for_sample()).startswith("sqlite:///")
    monkeypatch.setenv("COURSE_DB", "sqlite:////elsewhere.db")
    assert database.url_of(course) == "sqlite:////elsewhere.db"
    with pytest.raises(Misuse, match="is no database URL"):
        database.choose("marks.db")


def test_grading_on_this_machine_loads_no_cluster_library(handed_in):
    code = (
        "import sys; from tests.grading.fakes import FastEngine; from course_lib.grading import batch, course as c\n"
        f"batch.grade(c.find_course({str(handed_in.root)!r}), {NAME!r}, engine=FastEngine())\n"
        "print('distributed' in sys.modules, 'dask' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "False False\n", run.stderr
