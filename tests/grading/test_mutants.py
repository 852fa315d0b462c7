"""Mutants are small, stable and different; the count is right and says what is wrong with the tests."""

from __future__ import annotations

import pytest

from course_lib.grading import mutants
from course_lib.grading.errors import CourseError
from course_lib.grading.mutation import mutants as make

from .tiny_course import NAME

STEP = '''
def step(x, h, W, axis=-1):
    """Doc with 3 and a + b."""
    # a comment
    total = (x @ W + h * 2).sum(axis=axis, keepdims=True)
    if total is None or len(x) < 1:
        raise ValueError(f"bad {x + 1}")
    for i, row in enumerate(x[1:]):
        total += np.tanh(row).copy()
    return total, h
'''


def test_mutants_have_one_change_each_and_unique_ids():
    made = make(STEP)
    assert len({m.id for m in made}) == len({m.source for m in made}) == len(made) > 30
    assert all(m.id.startswith("step:L") and m.before for m in made)


@pytest.mark.parametrize(
    "wanted",
    [
        "step:L1:@→*",
        "step:L1:swap sides of @",
        "step:L1:transpose W",
        "step:L1:+→-",
        "step:L1:drop + h * 2",
        "step:L1:2→3",
        "step:L1:sum→mean",
        "step:L1:drop keepdims=True",
        "step:L1:axis=axis→0",
        "step:L2:<→<=",
        "step:L2:or→and",
        "step:L2:is→is not",
        "step:L3:drop raise ValueError(f'bad {x + 1}')",
        "step:L4:drop lower of [1:]",
        "step:L4:skip last of enumerate(x[1:])",
        "step:L5:+=→-=",
        "step:L5:tanh→sigmoid",
        "step:L5:drop .copy()",
        "step:L6:swap (total, h)",
        "step:L6:return nothing",
    ],
)
def test_each_kind_of_slip_is_made(wanted):
    assert wanted in {m.id for m in make(STEP)}


def test_docstrings_signatures_and_messages_are_left_alone():
    for m in make(STEP):
        assert "Doc with 3 and a + b." in m.source
        assert "def step(x, h, W, axis=-1):" in m.source
        assert "bad {x + 1}" in m.source or "drop raise" in m.id


def test_the_tiny_course_is_measured(course):
    scale, running_sum = mutants.measure(course, NAME)
    assert (scale.named_killed, scale.named, scale.right_accepted, scale.right) == (2, 2, 1, 1)
    assert (running_sum.named_killed, running_sum.named) == (1, 1)
    assert scale.mutants_killed == scale.mutants > 3
    assert running_sum.rate == 1.0
    assert mutants.good_enough([scale, running_sum])


def edit(course, folder, old, new):
    path = course.root / "tests" / folder / "a0_tiny.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_weak_tests_leave_survivors_that_must_be_explained(course):
    edit(course, "hidden", 'assert running_sum([]) == [], "no entries should give no sums"', "pass")
    edit(course, "hidden", "assert abs(sums[0] - xs[0]) < 1e-12", "assert True")
    edit(course, "hidden", "assert all(abs(s - sum(xs[: i + 1])) < 1e-12 for i, s in enumerate(sums))", "assert True")
    edit(course, "hidden", "assert abs(sums[-1] - sum(xs)) < 1e-12", "assert True")
    tally = mutants.measure(course, NAME, exercises=["running_sum"])[0]
    assert tally.named_killed == 0
    assert tally.rate < 0.95
    assert not mutants.good_enough([tally])
    survivor = tally.unexplained[0]
    assert survivor.before != survivor.after
    edit(course, "wrong_answers", "EQUIVALENT = {}", f"EQUIVALENT = {{'running_sum': {{{survivor.id!r}: 'a reason'}}}}")
    again = mutants.measure(course, NAME, exercises=["running_sum"])[0]
    assert again.equivalent == 1
    assert survivor.id not in [s.id for s in again.unexplained]


def test_stale_excuses_and_missed_phrases_are_complained_about(course):
    edit(course, "wrong_answers", 'says="carried"', 'says="something else"')
    edit(course, "wrong_answers", "EQUIVALENT = {}", "EQUIVALENT = {'scale': {'scale:L9:x': 'gone'}}")
    scale, running_sum = mutants.measure(course, NAME)
    assert "does not exist any more" in scale.complaints[0]
    assert 'should be told about "something else"' in running_sum.complaints[0]
    assert not mutants.good_enough([scale, running_sum])


def test_a_rejected_right_answer_is_a_complaint(course):
    edit(course, "wrong_answers", "lambda x: factor * x", "lambda x: factor + x")
    scale = mutants.measure(course, NAME, exercises=["scale"])[0]
    assert scale.right_accepted == 0
    assert 'the right answer "by_map" is rejected' in scale.complaints[0]


def test_answers_that_hang_or_crash_are_rejected_without_stopping_the_count(course):
    reference = course.root / "tiny_reference.py"
    reference.write_text(
        reference.read_text().replace(
            "    total, sums = 0.0, []",
            "    total, sums = 0.0, []\n    while len(sums) > len(xs):\n        pass",
        )
    )
    tally = mutants.measure(course, NAME, exercises=["running_sum"], seconds=1.0, seeds=(1,))[0]
    assert tally.mutants > 10
    crash = "    if len(xs) > 99:\n        import os\n        os._exit(1)\n"
    reference.write_text(reference.read_text().replace("    total, sums", crash + "    total, sums"))
    more = mutants.measure(course, NAME, exercises=["running_sum"], seconds=1.0, seeds=(1,))[0]
    assert more.mutants > tally.mutants
    assert more.mutants_killed > tally.mutants_killed


def test_tests_that_cannot_be_loaded_are_told(course):
    edit(course, "hidden", "REFERENCES", "import nothing_of_this_name\nREFERENCES")
    with pytest.raises(CourseError, match="nothing_of_this_name"):
        mutants.measure(course, NAME)


def test_the_methods_of_a_class_are_changed_but_not_how_it_shows_itself():
    source = '''
class Counter:
    """Doc."""
    def __init__(self, start=0):
        self.n = start + 1

    def __repr__(self):
        return "n" + str(self.n + 1)
'''
    made = {m.id for m in make(source)}
    assert {"Counter:L2:+→-", "Counter:L2:1→2"} <= made
    assert all(m.startswith("Counter:L2:") for m in made), made
