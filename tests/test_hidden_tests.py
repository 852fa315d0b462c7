"""Hidden tests accept what is right, reject what is wrong with the word it should hear, and say whose fault it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from course_lib.grading.course import Course
from tests import hidden
from tests.hidden import SourceFault, hidden_tests, judge, references, run_test
from tests.wrong_answers import right_answers, wrong_answers

ROOT = Path(__file__).parents[1]
ASSIGNMENTS = Course(ROOT, ROOT / "_grading").names()
SEEDS = range(5)


def cases(answers):
    return [
        pytest.param(assignment, answer, id=f"{assignment}-{answer.exercise}-{answer.name}")
        for assignment in ASSIGNMENTS
        for kept in answers(assignment).values()
        for answer in kept
    ]


EXERCISES = [(assignment, exercise) for assignment in ASSIGNMENTS for exercise in hidden_tests(assignment)]


@pytest.mark.parametrize(("assignment", "exercise"), EXERCISES)
def test_the_reference_passes_for_every_seed(assignment, exercise):
    for seed in range(20):
        assert judge(assignment, seed=seed, **{exercise: references(assignment)[exercise]})


@pytest.mark.parametrize(("assignment", "answer"), cases(wrong_answers))
def test_a_wrong_answer_is_rejected_and_hears_its_slip(assignment, answer):
    for seed in SEEDS:
        with pytest.raises(AssertionError) as caught:
            judge(assignment, seed=seed, **{answer.exercise: answer.function})
        assert answer.says.lower() in str(caught.value).lower()


@pytest.mark.parametrize(("assignment", "answer"), cases(right_answers))
def test_a_right_answer_written_differently_is_accepted(assignment, answer):
    for seed in SEEDS:
        assert judge(assignment, seed=seed, **{answer.exercise: answer.function})


@pytest.mark.parametrize(("assignment", "exercise"), EXERCISES)
def test_enough_answers_are_kept(assignment, exercise):
    assert len(wrong_answers(assignment).get(exercise, [])) >= 8
    assert len(right_answers(assignment).get(exercise, [])) >= 2


@pytest.mark.parametrize(("assignment", "exercise"), EXERCISES)
def test_a_message_never_is_empty(assignment, exercise):
    with pytest.raises(AssertionError, match=r"\w{3}"):
        judge(assignment, seed=0, **{exercise: lambda *args, **kwargs: None})


# --- how a test is run, whatever the assignment -----------------------------------------------------------------


def check_shape(double, rng):
    assert double(np.ones(3)).shape == (3,), "double changes the shape"


def explain(function, test=check_shape):
    with pytest.raises(AssertionError) as caught:
        run_test(test, "double", function, seed=0)
    return str(caught.value)


def test_a_failing_assertion_keeps_its_message():
    assert explain(lambda x: x[:2]).startswith("double changes the shape")


def test_an_error_inside_the_function_is_the_functions():
    assert explain(lambda x: x[7]).startswith("double raised IndexError: index 7")
    assert explain(lambda x: {}["key"]) == "double raised KeyError: 'key'"


def test_a_failing_assertion_of_the_function_itself_is_told_apart():
    def double(x):
        assert x.sum() < 0, "mine"

    assert explain(double).startswith("double raised AssertionError: mine")


def test_a_wrong_signature_is_the_functions():
    def double():
        return 1

    assert "double raised TypeError" in explain(double)


class Stack:
    @classmethod
    def of(cls, first):
        return {}[first]

    def push(self, x):
        return {}[x]


class Higher(Stack):
    pass


@pytest.mark.parametrize("test", [lambda double: double.of("key"), lambda double: double().push("key")])
@pytest.mark.parametrize("kind", [Stack, Higher])
def test_an_error_in_a_method_is_the_classs(test, kind):
    with pytest.raises(AssertionError, match=r"^double raised KeyError: 'key'"):
        run_test(test, "double", kind, 0)


def test_one_part_of_an_exercise_can_be_judged_alone(monkeypatch):
    def test_encode_is_right(double):
        raise AssertionError("encode")

    def test_decode_is_right(double):
        raise AssertionError("decode")

    monkeypatch.setattr(
        hidden, "hidden_tests", lambda assignment: {"double": [test_encode_is_right, test_decode_is_right]}
    )
    for part, says in (("decode", "decode"), ("encode", "encode"), ("", "encode")):
        with pytest.raises(AssertionError, match=says):
            judge("any", part, double=len)
    with pytest.raises(SourceFault, match='has the word "code" in its name'):
        judge("any", "code", double=len)


def test_a_useless_result_is_told_as_such():
    said = explain(lambda x: {1: 2})
    assert said.startswith("double returned something that could not be checked")
    assert "dict" in said


def test_a_forgotten_return_is_told_as_such():
    assert explain(lambda x: None).startswith("double returned None")


def test_an_error_deep_inside_what_the_function_calls_is_the_functions():
    assert explain(lambda x: np.linalg.inv(np.zeros((2, 2)))).startswith("double raised LinAlgError")


def test_inputs_depend_on_the_seed_and_on_the_tests_name(monkeypatch):
    drawn = {}

    def first(double, rng):
        drawn.setdefault("first", []).append(rng.normal())

    def second(double, rng):
        drawn.setdefault("second", []).append(rng.normal())

    for test in (first, second):
        for seed in (1, 1, 2):
            run_test(test, "double", len, seed)
    assert drawn["first"][0] == drawn["first"][1] != drawn["first"][2]
    assert drawn["first"][0] != drawn["second"][0]


def test_the_seed_comes_from_the_environment_when_none_is_given(monkeypatch):
    seeds = []

    def see(double, rng):
        seeds.append(rng.integers(1 << 60))

    monkeypatch.setattr(hidden, "hidden_tests", lambda assignment: {"double": [see]})
    for value in ("5", "6"):
        monkeypatch.setenv("COURSE_SEED", value)
        judge("any", double=len)
    judge("any", seed=5, double=len)
    assert seeds[0] == seeds[2] != seeds[1]


def test_what_is_not_there_to_judge_is_a_fault_of_the_source():
    with pytest.raises(SourceFault, match=r"expected tests/hidden/a99_nothing\.py"):
        judge("a99-nothing", seed=0, f=len)
    for assignment in ASSIGNMENTS:
        with pytest.raises(SourceFault, match='no hidden tests for "unheard_of"'):
            judge(assignment, seed=0, unheard_of=len)
