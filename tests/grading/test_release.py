"""The release holds what students may read, the same bytes each time, and a stale one is told from a fresh one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from course_lib.grading import gradebook, release
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook

from .tiny_course import NAME


@pytest.fixture
def released(course):
    release.write_release(course, NAME)
    return course


def test_the_release_holds_no_solution_and_no_hidden_test(released):
    text = released.release(NAME).read_text()
    for secret in ("scaled = ", "BEGIN SOLUTION", "HIDDEN", "judge", "tests.hidden", "points\\n"):
        assert secret not in text
    assert "YOUR CODE HERE" in text
    assert "each entry times factor" in text


def test_releasing_again_gives_the_same_bytes(released):
    before = released.release(NAME).read_bytes()
    release.write_release(released, NAME)
    assert released.release(NAME).read_bytes() == before
    assert release.check_release(released, NAME) == []


def test_cells_are_called_after_their_grade_ids(released):
    nb = read_notebook(released.release(NAME))
    assert [cell["id"] for cell in nb.cells] == [grade_id(cell) for cell in nb.cells]
    assert nb.metadata["kernelspec"]["name"] == "python3"
    assert "course" not in nb.metadata


def test_locked_cells_cannot_be_edited_or_deleted(released):
    for cell in read_notebook(released.release(NAME)).cells:
        assert cell.metadata["deletable"] is False
        assert cell.metadata.get("editable", True) is (cell.metadata["nbgrader"]["solution"] is True)


def test_a_stale_release_is_told_by_its_cell_and_line(released):
    nb = read_notebook(released.release(NAME))
    cell = next(c for c in nb.cells if grade_id(c) == "scale-visible")
    cell.source = cell.source.replace("3.0", "4.0", 1)
    write_notebook(nb, released.release(NAME))
    (difference,) = release.check_release(released, NAME)
    assert 'cell "scale-visible"' in str(difference)
    assert "line 1" in str(difference)


def test_missing_added_and_undeclared_things_are_told(released):
    nb = read_notebook(released.release(NAME))
    del nb.cells[2]
    write_notebook(nb, released.release(NAME))
    (released.release(NAME).parent / "solution.py").write_text("")
    told = "\n".join(map(str, release.check_release(released, NAME)))
    assert 'cell "scale-task": missing' in told
    assert "solution.py: lies in the release but is not declared" in told
    released.release(NAME).unlink()
    assert any("missing" in str(d) for d in release.check_release(released, NAME))


def test_the_gradebook_knows_points_and_hidden_tests(released):
    source = read_notebook(released.source(NAME))
    gradebook.register(released, NAME, release.grading_version(source))
    with gradebook.open_gradebook(released) as book:
        blueprint = gradebook.blueprint_from_gradebook(book, NAME)
    assert blueprint == release.blueprint(released, NAME)
    assert blueprint.points == 20.0


def test_nbgraders_own_command_makes_the_same_release(released):
    before = released.release(NAME).read_text()
    tools = os.path.dirname(sys.executable)
    run = subprocess.run(
        [os.path.join(tools, "nbgrader"), "generate_assignment", NAME, "--force"],
        cwd=released.root,
        env=os.environ | {"PATH": tools + os.pathsep + os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert released.release(NAME).read_text().rstrip("\n") == before.rstrip("\n")
