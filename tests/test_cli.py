"""The `course` command as people type it: results on stdout, talk on stderr, exit codes, and every message."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from course_lib.cli import main
from course_lib.grading.course import Course
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook
from tests.grading import tiny_course
from tests.grading.tiny_course import NAME, QUIET

pytestmark = [pytest.mark.grading, QUIET]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return tiny_course.make_course(tmp_path_factory.mktemp("cli") / "course").root


@pytest.fixture
def course(template, tmp_path) -> Course:
    import shutil

    shutil.copytree(template, tmp_path / "course")
    return Course(tmp_path / "course", tmp_path / "course" / "_grading")


@pytest.fixture
def run(course):
    def call(*arguments: str, root=None):
        return CliRunner().invoke(main, ["--root", str(root or course.root), *arguments])

    return call


def test_help_names_every_verb_and_gives_examples():
    text = CliRunner().invoke(main, ["--help"]).output
    for verb in ("build", "release", "check", "doctor", "grade", "feedback", "export", "mutants", "sample"):
        assert f"  {verb} " in text
        help_of_verb = CliRunner().invoke(main, [verb, "--help"])
        assert help_of_verb.exit_code == 0
        assert "Example" in help_of_verb.output
    assert "course grade a2-rnn --sample" in text


def test_the_help_of_grade_says_who_knows_about_isolation():
    assert "course doctor" in CliRunner().invoke(main, ["grade", "--help"]).output


def test_doctor_names_the_wall_in_force_and_fails_where_files_are_open(run, monkeypatch):
    from course_lib.grading import trusted

    rows = [("bubblewrap", False, "not installed"), ("landlock", True, "promise"), ("limits", True, "promise")]
    monkeypatch.setattr(trusted, "describe", lambda: rows, raising=False)
    good = run("doctor", "--json")
    assert good.exit_code == 0
    assert json.loads(good.stdout)["in_force"] == "landlock"
    monkeypatch.setattr(trusted, "describe", lambda: [rows[0], ("landlock", False, "no"), rows[2]], raising=False)
    bad = run("doctor")
    assert bad.exit_code == 1
    assert "apt-get install bubblewrap" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["grade", "a0-tinny"], 2, 'no assignment "a0-tinny" in solutions/. Did you mean a0-tiny?'),
        (["grade", "zzz"], 2, "There is: a0-tiny."),
        (["grad"], 2, "Did you mean  course grade?"),
        (["grade", NAME, "--workers", "0"], 2, "0 is not in the range"),
        (["grade", NAME, "--due", "soon"], 2, '--due "soon" is no date'),
        (["grade", NAME, "--sample", "--due", "2026-01-01"], 2, "--sample brings its own"),
        (["grade", NAME], 1, "nothing to grade: found no _grading/submitted/STUDENT/a0-tiny/"),
        (["feedback", NAME], 1, "a0-tiny has no marks yet. Run: course grade a0-tiny"),
        (["export"], 1, "there are no marks yet. Run: course grade a0-tiny"),
        (["check", "nothing.ipynb"], 2, "there is no file nothing.ipynb"),
        (["release", "--check"], 1, "out of date: a0-tiny. Run: course release a0-tiny"),
        (["mutants", NAME, "--exercise", "skale"], 1, "has no exercise called skale"),
    ],
)
def test_a_message_says_what_to_do(run, arguments, code, says):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert says in " ".join(result.stderr.split()) or says in result.stderr
    assert "Traceback" not in result.output


def test_outside_a_course(run, tmp_path, monkeypatch):
    assert "is not a course" in run("release", root=tmp_path).stderr
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["release"])
    assert result.exit_code == 1
    assert "no course here" in result.stderr


def test_a_broken_source_is_the_instructors_and_shown_by_cell(course, run):
    nb = read_notebook(course.source(NAME))
    next(c for c in nb.cells if grade_id(c) == "scale-visible").source = "scale([1.0], 2.0) == [2.0]"
    write_notebook(nb, course.source(NAME))
    result = run("release")
    assert result.exit_code == 1
    assert "error in the course's source:" in result.stderr
    assert "cell 5:  scale([1.0], 2.0) == [2.0]" in result.stderr
    assert not course.release(NAME).exists()


def test_the_unexpected_gives_a_traceback_only_when_asked(course, run, monkeypatch):
    monkeypatch.setattr("course_lib.grading.release.write_release", lambda *a: 1 / 0)
    result = run("release")
    assert result.exit_code == 1
    assert "unexpected ZeroDivisionError" in result.stderr
    assert "course --debug" in result.stderr
    debug = CliRunner().invoke(main, ["--root", str(course.root), "--debug", "release"])
    assert isinstance(debug.exception, ZeroDivisionError)


def test_release_prints_paths_and_check_agrees(run):
    result = run("release", "a0")
    assert (result.exit_code, result.stdout) == (0, "assignments/a0-tiny/a0-tiny.ipynb\n")
    check = run("release", "--check", "--json")
    assert check.exit_code == 0
    assert json.loads(check.stdout) == {NAME: []}
    assert "up to date" in check.stderr


def test_a_class_from_sample_to_export(course, run):
    graded = run("grade", "--sample", "--timeout", "3", "--json")
    assert graded.exit_code == 0, graded.output
    assert "note: Student code runs" in graded.stderr
    rows = {row["student"]: row for row in json.loads(graded.stdout)}
    assert len(rows) == 12
    assert rows["ada"]["score"] == 20.0
    assert "_grading/sample/gradebook.db" in graded.stderr
    assert len(list((course.root / "_grading/sample/feedback").glob("*/a0-tiny/a0-tiny.html"))) == 12

    exported = run("export", "--sample")
    header, *lines = exported.stdout.splitlines()
    assert header.startswith("assignment,student,status,score,max_score,late_penalty,seconds_late,remarks,scale")
    assert len(lines) == 12
    assert "a0-tiny,ada,graded,20,20,0,0,,5,10,5" in lines
    assert json.loads(run("export", "--sample", "--format", "json").stdout)[0]["student"] == "ada"
    output = course.root / "marks.csv"
    assert run("export", "--sample", "--output", str(output)).stdout == ""
    assert output.read_text() == exported.stdout
    pages = run("feedback", "--sample").stdout.splitlines()
    assert pages[0] == "_grading/sample/feedback/ada/a0-tiny/a0-tiny.html"


def test_the_table_has_a_line_per_student_and_a_legend(course, run):
    folder = course.submitted / "ada" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_bytes(course.source(NAME).read_bytes())
    (folder / "timestamp.txt").write_text("2026-10-07 12:00 UTC")
    result = run("grade", NAME, "--due", "2026-10-05 23:59 UTC", "--student", "ada")
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if "ada" in line]
    assert line.split() == ["ada", "5", "10", "0", "−3", "12", "graded"]
    assert "1 scale (5)  2 running_sum (10)  written why (5)" in result.stdout
    assert "next       course feedback a0-tiny" in result.stderr


def test_an_ungraded_submission_exits_1_and_is_named(course, run, monkeypatch):
    folder = course.submitted / "ada" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_bytes(course.source(NAME).read_bytes())
    monkeypatch.setattr("course_lib.grading.batch.prepare", lambda *a: 1 / 0)
    result = run("grade", NAME)
    assert result.exit_code == 1
    assert "1 could not be graded: ada" in result.stderr


def test_check_is_friendly_and_says_what_is_left(course, run):
    run("release")
    result = run("check", str(course.release(NAME)))
    assert result.exit_code == 1
    assert "– not started" in result.stdout
    assert "3 of 3 still to do." in result.stdout


def test_mutants_prints_rates_and_survivors(course, run):
    result = run("mutants")
    assert result.exit_code == 0, result.output
    assert "100.0 %" in result.stdout
    hidden = course.root / "tests/hidden/a0_tiny.py"
    hidden.write_text(hidden.read_text().replace("assert abs(sums[0] - xs[0]) < 1e-12", "assert True"))
    hidden.write_text(hidden.read_text().replace("assert all(abs(s", "assert True or all(abs(s"))
    weak = run("mutants", "a0", "--json")
    assert weak.exit_code == 1
    assert "not good enough" in weak.stderr
    assert any(t["survivors"] for t in json.loads(weak.stdout)[NAME])


def test_sample_alone_tells_the_stories(run):
    assert json.loads(run("sample", "--json").stdout)["kim"] == "enrolled, nothing handed in"
