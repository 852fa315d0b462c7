"""An assignment with a class among its exercises, through the trusted engine: a1-sequences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import course_lib.text
from course_lib.grading.engine import Job, Limits
from course_lib.grading.notebooks import BEGIN_SOLUTION, END_SOLUTION, grade_id, read_notebook
from tests import wrong_answers

pytestmark = pytest.mark.grading

ROOT = Path(__file__).parents[3]
NAME = "a1-sequences"
LIMITS = Limits(test_seconds=10, cell_seconds=60, submission_seconds=120)
METHODS = {"__init__": "ranking", "encode": "encode", "decode": "decode"}


def solved():
    nb = read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
    nb.cells = [cell for cell in nb.cells if not (grade_id(cell) or "").startswith("experiment")]
    return nb


def lost(engine, nb):
    result = engine.run(Job.make(NAME, "ada", nb, ROOT, LIMITS, None))
    assert result.fault is None, result.fault
    return {name: test.message for name, test in result.tests.items() if not test.passed}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_left_undone_costs_its_own_part(engine, method):
    nb = solved()
    for cell in nb.cells:
        if grade_id(cell) == "Vocabulary":
            start = cell.source.index(f"def {method}(")
            undone = re.sub(
                f"{BEGIN_SOLUTION}.*?{END_SOLUTION}",
                "raise NotImplementedError()",
                cell.source[start:],
                count=1,
                flags=re.S,
            )
            cell.source = cell.source[:start] + undone
    part = METHODS[method]
    found = lost(engine, nb)
    assert set(found) == {f"Vocabulary-{part}-visible", f"Vocabulary-{part}-hidden"}
    assert all("NotImplementedError" in message for message in found.values()), found


@pytest.mark.parametrize("broken", [(), ("Vocabulary",), ("context_counts", "pad_and_mask")])
def test_the_experiment_borrows_what_does_not_work_and_only_that(broken):
    cells = {grade_id(cell): cell.source for cell in read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb").cells}
    names: dict = {}
    exec(cells["imports"], names)
    asked = list(wrong_answers.right_answers(NAME))
    for name in asked:
        exec(cells[name], names)
    for name in broken:
        names[name] = lambda *args, **options: None
    before = {name: names[name] for name in asked}
    exec(cells["experiment-borrow"], names)
    assert {name for name in asked if names[name] is not before[name]} == set(broken)
    assert all(names[name] is getattr(course_lib.text, name) for name in broken)
