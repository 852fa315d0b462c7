"""The real assignment through the trusted engine: the solution, the untouched release, and every kept answer."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path

import pytest

from course_lib.grading.engine import Job, Limits, Verdict, seed_for
from course_lib.grading.notebooks import Blueprint, grade_id, is_answer, read_notebook
from course_lib.grading.release import grading_version
from course_lib.grading.repair import repair
from tests import hidden, wrong_answers

pytestmark = pytest.mark.grading

ROOT = Path(__file__).parents[3]
NAME = "a2-rnn"
SOURCE = read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
BLUEPRINT = Blueprint.from_notebook(NAME, grading_version(SOURCE))
LIMITS = Limits(test_seconds=10, cell_seconds=60, submission_seconds=120)


def without_experiment(nb):
    nb.cells = [cell for cell in nb.cells if grade_id(cell) != "experiment-run"]
    return nb


def run(engine, nb, student="ada"):
    result = engine.run(Job.make(NAME, student, nb, ROOT, LIMITS, None))
    assert result.fault is None, result.fault
    return result


def answered(kept):
    """A submission in which each given answer stands in the place of its exercise, with its module's helpers."""
    nb = without_experiment(grading_version(SOURCE))
    module = inspect.getsource(inspect.getmodule(kept[0].function))
    helpers = re.sub(
        r"^from tests\.wrong_answers import.*$", "wrong = right = lambda *a, **k: lambda f: f", module, flags=re.M
    )
    for cell in nb.cells:
        if grade_id(cell) == "imports":
            cell.source += "\n" + helpers  # locked in life; here it is only a place
        for answer in kept:
            if grade_id(cell) == answer.exercise:
                cell.source = f"{answer.exercise} = {answer.name}"
    return nb


def in_rounds(answers):
    """The k-th answer to each exercise makes the k-th submission."""
    return [[kept[k] for kept in answers.values() if k < len(kept)] for k in range(max(map(len, answers.values())))]


def test_the_solution_earns_everything_and_its_experiment_runs(engine):
    result = run(engine, read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb"))
    assert {name: test.message for name, test in result.tests.items() if not test.passed} == {}
    assert set(result.tests) == {spec.grade_id for spec in BLUEPRINT.cells if spec.is_test}
    shown = "".join(o.get("text", "") for outputs in result.outputs.values() for o in outputs)
    assert "on letters alone" in shown and "after 40 letters" in shown and result.remarks == []


def test_the_untouched_release_earns_nothing_and_hears_so(engine):
    result = run(engine, without_experiment(grading_version(SOURCE)))
    assert all(test.verdict is Verdict.FAILED and "not started" in test.message for test in result.tests.values())


def test_a_damaged_submission_loses_what_is_damaged_and_no_more(engine):
    nb = without_experiment(read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb"))
    nb.cells = [c for c in nb.cells if grade_id(c) not in ("softmax", "rnn_step-visible")]
    for cell in nb.cells:
        if grade_id(cell) == "many_to_one":
            cell.source = "def many_to_one(:"
    repair(nb, BLUEPRINT)
    result = run(engine, nb)
    lost = {name for name, test in result.tests.items() if not test.passed}
    assert lost == {"softmax-visible", "softmax-hidden", "many_to_one-visible", "many_to_one-hidden"}


@pytest.mark.parametrize("kept", in_rounds(wrong_answers.right_answers(NAME)))
def test_right_answers_written_differently_pass(engine, kept):
    result = run(engine, answered(kept))
    for answer in kept:
        for kind in ("visible", "hidden"):
            test = result.tests[f"{answer.exercise}-{kind}"]
            assert test.passed, (answer.name, test.message)


@pytest.mark.parametrize("kept", in_rounds(wrong_answers.wrong_answers(NAME)))
def test_wrong_answers_fail_with_the_message_they_get_in_one_process(engine, kept, monkeypatch):
    result = run(engine, answered(kept))
    monkeypatch.setitem(os.environ, "COURSE_SEED", str(seed_for(NAME, "ada")))
    for answer in kept:
        with pytest.raises(AssertionError) as caught:
            hidden.judge(NAME, **{answer.exercise: answer.function})
        test = result.tests[f"{answer.exercise}-hidden"]
        assert test.verdict is Verdict.FAILED, answer.name
        assert test.message == str(caught.value).replace(f"{answer.name}(", f"{answer.name}("), answer.name


def test_every_answer_cell_is_judged():
    assert {c.grade_id for c in BLUEPRINT.cells if c.is_answer} == {grade_id(c) for c in SOURCE.cells if is_answer(c)}
