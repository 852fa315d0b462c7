"""What students hand in is read without following where it points and without failing because of what it holds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from course_lib.grading import batch, feedback, gradebook, release
from course_lib.grading.course import Course
from course_lib.grading.engine import Limits
from course_lib.grading.notebooks import Blueprint, grade_id, read_notebook
from course_lib.grading.submissions import TIMESTAMP_BYTES, Submission, find_submissions, parse_date, prepare

from . import tiny_course
from .fakes import FastEngine
from .tiny_course import NAME, QUIET

pytestmark = [pytest.mark.grading, QUIET]
FULL = 15.0
BLUEPRINT = Blueprint.from_notebook(NAME, release.grading_version(tiny_course.source_notebook()))
links = pytest.mark.skipif(os.name == "nt", reason="making a link takes rights that Windows does not give to everyone")


def raw(course: Course) -> dict:
    return json.loads(course.source(NAME).read_text(encoding="utf-8"))


def cell_of(nb: dict, name: str) -> dict:
    return next(c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def code(source: str) -> dict:
    return {"cell_type": "code", "id": "own", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def hand_in(course: Course, student: str, nb: dict | str | None = None) -> Path:
    """A submission from JSON, or the reference solution; its folder."""
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True)
    text = nb if isinstance(nb, str) else json.dumps(raw(course) if nb is None else nb)
    (folder / f"{NAME}.ipynb").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path):
    return prepare(Submission(NAME, folder.parent.name, folder), BLUEPRINT)


def graded(course: Course, engine=None) -> dict[str, gradebook.Row]:
    """By the engine that grades a class, unless another is given."""
    rows = batch.grade(course, NAME, engine=engine, limits=Limits(test_seconds=3)).rows
    assert not list(course.grading.rglob("*.unfinished"))
    return {row.student: row for row in rows}


# --- texts that cannot be written down ---------------------------------------------------------------------------


def lone_surrogates(course: Course) -> dict[str, dict]:
    """Notebooks that are valid JSON and hold text that is not valid Unicode, each in another place."""
    found = {place: raw(course) for place in ("source", "metadata", "markdown", "output", "id")}
    found["source"]["cells"].insert(2, code("s = '\ud800'"))
    found["metadata"]["metadata"]["\ud800"] = {"deep": ["\udfff"]}
    found["markdown"]["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "\udcff"})
    found["output"]["cells"].append(code("1") | {"outputs": [{"output_type": "stream", "name": "x", "text": "\ud800"}]})
    found["id"]["cells"].append(code("1") | {"id": "\ud800", "\ud801": 1})
    return found


def test_text_that_is_no_unicode_is_mended_and_stops_nobody(course):
    hand_in(course, "ada")
    for place, nb in lone_surrogates(course).items():
        hand_in(course, place, nb)
    rows = graded(course)
    assert {name: (row.status, row.score) for name, row in rows.items()} == dict.fromkeys(rows, ("graded", FULL))
    assert "s = '?'" in [c.source for c in read_notebook(gradebook.autograded_path(course, NAME, "source")).cells]
    assert len(feedback.write_feedback(course, NAME)) == 6


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="file names are Unicode there")
def test_names_that_are_no_unicode_stop_nobody(course):
    hand_in(course, "ada")
    os.rename(hand_in(course, "bob") / f"{NAME}.ipynb", course.submitted / "bob" / NAME / "\udcff.ipynb")
    os.rename(hand_in(course, "cid").parent, course.submitted / "\udcff")
    rows = graded(course)
    assert {name: row.score for name, row in rows.items()} == {"ada": FULL, "bob": 0.0, "\\udcff": FULL}
    assert "found ?.ipynb" in rows["bob"].remarks[0]


def test_whatever_a_submission_does_to_the_recording_the_others_go_on(course, monkeypatch):
    for student in ("ada", "bob", "cid"):
        hand_in(course, student)
    record = gradebook.record

    def broken(course, assignment, student, nb, timestamp):
        if student == "bob":
            nb.metadata["course"]["junk"] = "\ud800"
        record(course, assignment, student, nb, timestamp)

    with monkeypatch.context() as patch:
        patch.setattr(gradebook, "record", broken)
        rows = graded(course, FastEngine())
    assert (rows["ada"].score, rows["cid"].score) == (FULL, FULL)
    assert (rows["bob"].status, rows["bob"].score) == ("ungraded", None)
    assert "UnicodeEncodeError" in rows["bob"].remarks[0]
    assert graded(course, FastEngine())["bob"].score == FULL


# --- links -------------------------------------------------------------------------------------------------------


@links
def test_links_are_refused_with_a_reason_and_shown_to_nobody(course):
    neighbour = hand_in(course, "ada")
    (neighbour / f"{NAME}.ipynb").write_text(json.dumps(raw(course)).replace("total = 0.0", "total = 00.0 # ada's"))
    targets = {"solution": course.source(NAME), "neighbour": neighbour / f"{NAME}.ipynb", "dangling": Path("nowhere")}
    for student, target in targets.items():
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").symlink_to(target)
    (course.submitted / "folder").mkdir()
    (course.submitted / "folder" / NAME).symlink_to(neighbour)
    (course.submitted / "gone").mkdir()
    (course.submitted / "gone" / NAME).symlink_to("nowhere")
    (course.submitted / "student").symlink_to(neighbour.parent)
    rows = graded(course)
    assert set(rows) == {"ada", "solution", "neighbour", "dangling", "folder", "gone", "student"}
    for student, row in rows.items():
        if student != "ada":
            assert (row.score, len(row.remarks)) == (0.0, 1), student
            assert "is a symbolic link; expected" in row.remarks[0] and "hand it in again" in row.remarks[0]
    feedback.write_feedback(course, NAME)
    for student in set(rows) - {"ada"}:
        page = (course.feedback / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")
        assert "symbolic link" in page and "scaled" not in page and "ada&#39;s" not in page


@links
def test_a_linked_timestamp_counts_as_missing_and_is_not_read(course, tmp_path):
    (tmp_path / "secret").write_text("2026-01-01 10:00 UTC")
    folder = hand_in(course, "ada")
    (folder / "timestamp.txt").symlink_to(tmp_path / "secret")
    prepared = read(folder)
    assert (prepared.timestamp, prepared.unusable) == (None, None)
    (remark,) = prepared.remarks
    assert "timestamp.txt is a symbolic link" in remark and "counted as in time" in remark and "2026" not in remark


@links
def test_what_is_no_file_is_not_waited_for(course):
    folder = course.submitted / "ada" / NAME
    folder.mkdir(parents=True)
    os.mkfifo(folder / f"{NAME}.ipynb")
    os.mkfifo(folder / "timestamp.txt")
    prepared = read(folder)
    assert prepared.timestamp is None
    assert prepared.unusable.startswith("a0-tiny.ipynb is not a file; expected the notebook itself")


def test_what_is_quoted_cannot_write_to_the_terminal(course):
    folder = hand_in(course, "ada")
    (folder / "timestamp.txt").write_text("\x1b[2Jnever\x00")
    assert read(folder).remarks == ['timestamp.txt says "[2Jnever", which is no date; counted as in time']
    os.rename(folder / f"{NAME}.ipynb", folder / "\x1b[2Jmine.ipynb")
    assert "found [2Jmine.ipynb." in read(folder).unusable


@links
def test_the_folder_of_all_submissions_may_be_a_link(course, tmp_path):
    hand_in(course, "ada")
    shutil.move(course.submitted, tmp_path / "elsewhere")
    course.submitted.symlink_to(tmp_path / "elsewhere")
    assert [s.student for s in find_submissions(course, NAME)] == ["ada"]
    assert graded(course, FastEngine())["ada"].score == FULL


# --- dates -------------------------------------------------------------------------------------------------------

NO_DATES = {
    "nines": "1e999999 \x00 " + "9" * 5000,
    "nul": "\x00",
    "nan": "2020-01-01 10:00:nan",
    "zone": "2020-01-01 10:00 +9999999999999",
    "early": "0001-01-01 00:00:00 +86399",
    "words": "yesterday, I think",
    "empty": "",
}


@pytest.mark.parametrize("text", NO_DATES.values(), ids=NO_DATES)
def test_what_is_no_date_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_date(text)


def test_a_timestamp_is_read_only_as_far_as_a_date_is_long(course):
    folder = hand_in(course, "ada")
    (folder / "timestamp.txt").write_text("2026-01-01 10:00:00 UTC" + " " * TIMESTAMP_BYTES)
    prepared = read(folder)
    assert prepared.timestamp is None
    assert prepared.remarks == [f"timestamp.txt has {TIMESTAMP_BYTES + 23} bytes, which is no date; counted as in time"]


# --- notebooks that are meant to be too much ---------------------------------------------------------------------


def too_much(course: Course) -> dict[str, dict | str]:
    """Each is repaired to the reference solution, with nothing or a remark to say."""
    found: dict[str, dict | str] = {}
    for name, bomb in {"signs": "x = " + "-" * 200_000 + "1", "sum": "x = " + "+".join(["1"] * 50_000)}.items():
        nb = raw(course)
        cell_of(nb, "scale")["metadata"] = {}
        nb["cells"].insert(0, {"cell_type": "code", "metadata": {}, "source": bomb, "outputs": [], "id": "bomb"})
        found[name] = nb
    for name, junk in {"list": [1], "number": {"a": 5}, "text": "x", "nothing": None}.items():
        nb = raw(course)
        cell_of(nb, "title")["attachments"] = junk
        nb["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "mine", "attachments": junk})
        found[f"attachments {name}"] = nb
    nb = raw(course)
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [1, {"output_type": "display_data", "data": 7}, {"output_type": "stream", "text": [1]}]
    found["outputs"] = nb
    return found


def test_malformed_work_is_never_a_fault_of_the_grader(course):
    hand_in(course, "ada")
    (hand_in(course, "bob") / "timestamp.txt").write_text(NO_DATES["nines"])
    hand_in(course, "cid", '{"nbformat": 4, "x": ' + "[" * 100_000 + "]" * 100_000 + "}")
    for depth in (150, 200, 320, 450, 900):
        text = json.dumps(raw(course))
        for kind, nest in {"list": "[" * depth + "]" * depth, "dict": '{"a":' * depth + "1" + "}" * depth}.items():
            hand_in(course, f"{kind} {depth}", text.replace('"metadata": {', '"metadata": {"z": ' + nest + ",", 1))
    for name, nb in too_much(course).items():
        hand_in(course, name, nb)
    rows = graded(course)
    assert {name: row.remarks for name, row in rows.items() if row.status == "ungraded"} == {}
    for name, row in rows.items():
        nested = name == "cid" or name.startswith(("list ", "dict "))
        assert row.score == (0.0 if nested else FULL), (name, row.remarks)
        if nested:
            assert "nested more than 100 levels deep" in row.remarks[0] and "hand it in again" in row.remarks[0]
    assert "no date" in rows["bob"].remarks[0]
    assert len(feedback.write_feedback(course, NAME)) == len(rows)


def test_an_honest_picture_in_a_text_is_kept(course):
    nb = raw(course)
    nb["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "![](attachment:a.png)"})
    nb["cells"][-1]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    prepared = read(hand_in(course, "ada", nb))
    assert prepared.notebook.cells[-1].attachments == {"a.png": {"image/png": "AAAA"}}
    assert [grade_id(c) for c in prepared.notebook.cells][-1] is None
