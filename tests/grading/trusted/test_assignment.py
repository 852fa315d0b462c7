"""Every assignment through the trusted engine: the solution, the untouched release, and every kept answer."""

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
NAMES = sorted(path.parent.name for path in ROOT.glob("solutions/*/*.ipynb"))
LIMITS = Limits(test_seconds=10, cell_seconds=60, submission_seconds=120)


def source_of(name):
    return read_notebook(ROOT / "solutions" / name / f"{name}.ipynb")


def without_experiment(nb):
    nb.cells = [cell for cell in nb.cells if not (grade_id(cell) or "").startswith("experiment-")]
    return nb


def run(engine, name, nb, student="ada"):
    result = engine.run(Job.make(name, student, nb, ROOT, LIMITS, None))
    assert result.fault is None, result.fault
    return result


def answered(name, kept):
    """A submission in which each given answer stands in the place of its exercise, with its module's helpers."""
    nb = without_experiment(grading_version(source_of(name)))
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


def rounds(answers_of):
    return [
        pytest.param(name, kept, id=f"{name}-{k}")
        for name in NAMES
        for k, kept in enumerate(in_rounds(answers_of(name)))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_earns_everything_and_its_experiment_runs(engine, name):
    blueprint = Blueprint.from_notebook(name, grading_version(source_of(name)))
    result = run(engine, name, source_of(name))
    assert {test: verdict.message for test, verdict in result.tests.items() if not verdict.passed} == {}
    assert set(result.tests) == {spec.grade_id for spec in blueprint.cells if spec.is_test}
    outputs = [output for of_cell in result.outputs.values() for output in of_cell]
    assert result.remarks == [] and not [o for o in outputs if o["output_type"] == "error"]
    assert sum(len(o.get("text", "")) for o in outputs) > 100, "the closing experiment showed next to nothing"


@pytest.mark.parametrize("name", NAMES)
def test_the_untouched_release_earns_nothing_and_hears_so(engine, name):
    result = run(engine, name, without_experiment(grading_version(source_of(name))))
    assert all(test.verdict is Verdict.FAILED and "not started" in test.message for test in result.tests.values())


def test_a_damaged_submission_loses_what_is_damaged_and_no_more(engine):
    nb = without_experiment(source_of("a2-rnn"))
    nb.cells = [c for c in nb.cells if grade_id(c) not in ("softmax", "rnn_step-visible")]
    for cell in nb.cells:
        if grade_id(cell) == "many_to_one":
            cell.source = "def many_to_one(:"
    repair(nb, Blueprint.from_notebook("a2-rnn", grading_version(source_of("a2-rnn"))))
    result = run(engine, "a2-rnn", nb)
    lost = {name for name, test in result.tests.items() if not test.passed}
    assert lost == {"softmax-visible", "softmax-hidden", "many_to_one-visible", "many_to_one-hidden"}


def verdicts(result, exercise, kind):
    """Those of an exercise's test cells; a class has one for each of its parts."""
    found = {
        name: test
        for name, test in result.tests.items()
        if name.startswith(f"{exercise}-") and name.endswith(f"-{kind}")
    }
    assert found, f"no {kind} test of {exercise} among {list(result.tests)}"
    return found


@pytest.mark.parametrize(("name", "kept"), rounds(wrong_answers.right_answers))
def test_right_answers_written_differently_pass(engine, name, kept):
    result = run(engine, name, answered(name, kept))
    for answer in kept:
        for kind in ("visible", "hidden"):
            for test in verdicts(result, answer.exercise, kind).values():
                assert test.passed, (answer.name, test.message)


@pytest.mark.parametrize(("name", "kept"), rounds(wrong_answers.wrong_answers))
def test_wrong_answers_fail_with_the_message_they_get_in_one_process(engine, name, kept, monkeypatch):
    result = run(engine, name, answered(name, kept))
    monkeypatch.setitem(os.environ, "COURSE_SEED", str(seed_for(name, "ada")))
    for answer in kept:
        with pytest.raises(AssertionError) as caught:
            hidden.judge(name, **{answer.exercise: answer.function})
        failed = [test.message for test in verdicts(result, answer.exercise, "hidden").values() if not test.passed]
        # From another process a generator comes as what it is used for, an iterator.
        expected = str(caught.value).replace("returned a generator", "returned a iterator")
        # What an error quotes is left out where it may be a hidden input.
        assert any(expected == said or expected.startswith(f"{said}:") for said in failed), (
            answer.name,
            expected,
            failed,
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_cell_is_judged(name):
    source = source_of(name)
    blueprint = Blueprint.from_notebook(name, grading_version(source))
    assert {c.grade_id for c in blueprint.cells if c.is_answer} == {grade_id(c) for c in source.cells if is_answer(c)}
