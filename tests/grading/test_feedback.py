"""A feedback page says what was earned and why, shows the student's work, and gives no hidden test away."""

from __future__ import annotations

import re

import pytest
from nbformat.v4 import new_code_cell

from course_lib.grading import batch, feedback, gradebook
from course_lib.grading.engine import Limits
from course_lib.grading.notebooks import grade_id, write_notebook
from course_lib.grading.release import student_version

from .tiny_course import HIDDEN, NAME, QUIET, RUNNING_SUM, reference, source_notebook

pytestmark = [pytest.mark.grading, QUIET]


@pytest.fixture
def page(course):
    """The page of a student with one wrong answer, a hostile essay and hostile outputs."""
    nb = student_version(source_notebook())
    answers = {
        "scale": "def scale(xs, factor):\n    return [x * abs(factor) for x in xs]",
        "running_sum": reference(RUNNING_SUM),
        "why": "Because **order** matters. <script>alert('essay')</script> [x](javascript:alert(1))",
    }
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    evil = "from IPython.display import HTML, display\ndisplay(HTML('<script>alert(2)</script>'))\n"
    nb.cells.insert(4, new_code_cell(evil + "print('<script>alert(3)</script>')"))
    write_notebook(nb, course.submitted / "ada" / NAME / f"{NAME}.ipynb")
    batch.grade(course, NAME, limits=Limits(test_seconds=5))
    gradebook.mark(course, NAME, "ada", "why", 3.5, "Say <more> about the state.")
    (path,) = feedback.write_feedback(course, NAME)
    return path.read_text()


def test_the_page_tells_scores_slips_comments_and_work(page):
    text = re.sub(r"<[^>]+>", " ", page.split("</style>")[1])
    text = re.sub(r"\s+", " ", text)
    assert "15.5 of 20 points" in text
    assert "✓ 2 of 2" in text
    assert "✗ 0 of 3" in text
    assert "the sign of factor is lost" in text
    assert "3.5 of 5" in text
    assert "Say &lt;more&gt; about the state." in text
    assert "abs" in text
    assert "1 of 2 complete" in text
    assert "<strong>order</strong>" in page


def test_the_page_gives_no_hidden_test_away(page):
    secrets = [line.strip() for line in HIDDEN.splitlines() if len(line.strip()) > 12]
    for secret in [*secrets, "tests.hidden", "judge(", "HIDDEN", "test_every_entry", "Traceback", "rng"]:
        assert secret not in page.split("</style>")[1], secret


def test_the_page_asks_the_network_for_nothing_and_runs_nothing(page):
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "@import" not in page
    assert "url(" not in page
    assert "<script" not in page
    assert "javascript:" not in page


def test_everyone_gets_a_page_also_who_handed_in_nothing(course, page):
    gradebook.enrol(course, ["zoe"])
    paths = feedback.write_feedback(course, NAME)
    assert [path.parts[-3] for path in paths] == ["ada", "zoe"]
    assert "Nothing was handed in" in paths[1].read_text()
