"""Verdicts: what costs points, what must not, and that one broken exercise leaves the others standing."""

from __future__ import annotations

import time

import pytest

from course_lib.grading import engine as engines
from course_lib.grading.engine import Job, KernelEngine, Limits, Result, TestVerdict, Verdict, apply, seed_for
from course_lib.grading.notebooks import grade_id
from course_lib.grading.release import blueprint, grading_version

from .tiny_course import NAME, RUNNING_SUM, SCALE, reference, source_notebook

pytestmark = pytest.mark.grading

RIGHT = {"scale": reference(SCALE), "running_sum": reference(RUNNING_SUM)}
ALL = {"scale-visible", "scale-hidden", "running_sum-visible", "running_sum-hidden"}
LIMITS = Limits(test_seconds=2, cell_seconds=3, submission_seconds=60, output_bytes=10_000)


def submission(**answers):
    nb = grading_version(source_notebook())
    for cell in nb.cells:
        if grade_id(cell) in answers:
            cell.source = answers[grade_id(cell)]
    return nb


def run(course, nb, limits=LIMITS, student="ada") -> Result:
    return KernelEngine().run(Job.make(NAME, student, nb, course.root, limits, None))


def passed(result):
    assert result.fault is None
    return {name for name, test in result.tests.items() if test.passed}


def test_the_reference_passes_and_its_outputs_are_kept(course):
    nb = submission(**RIGHT)
    result = run(course, nb)
    assert passed(result) == ALL
    assert result.remarks == []
    shown = [o["text"] for outputs in result.outputs.values() for o in outputs if o["output_type"] == "stream"]
    assert "your sums: [2.0, 6.0]" in "".join(shown)


def test_untouched_earns_nothing_and_says_so(course):
    result = run(course, submission())
    assert passed(result) == set()
    assert all("not started" in test.message for test in result.tests.values())


def test_a_wrong_answer_hears_its_slip(course):
    result = run(course, submission(**RIGHT | {"scale": "def scale(xs, factor):\n    return [x + factor for x in xs]"}))
    assert passed(result) == {"running_sum-visible", "running_sum-hidden"}
    assert result.tests["scale-visible"].message == "each entry times factor"
    assert "factor is not applied" in result.tests["scale-hidden"].message


def test_an_error_inside_the_answer_is_told_with_its_type(course):
    result = run(course, submission(**RIGHT | {"scale": "def scale(xs, factor):\n    return xs[99]"}))
    assert result.tests["scale-hidden"].message.startswith("scale raised IndexError")


def test_warnings_prints_and_displayed_values_cost_nothing(course):
    noisy = "import sys, warnings\n" + RIGHT["scale"].replace(
        "    scaled", "    warnings.warn('hm'); print('x'); sys.stderr.write('y'); display(0)\n    scaled"
    )
    assert passed(run(course, submission(**RIGHT | {"scale": noisy}))) == ALL


def test_a_syntax_error_costs_its_exercise_only(course):
    result = run(course, submission(**RIGHT | {"scale": "def scale(xs, factor):\n    return ("}))
    assert passed(result) == {"running_sum-visible", "running_sum-hidden"}
    assert "its cell raised SyntaxError" in result.tests["scale-hidden"].message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while True: pass", "still running after 2 s"),
        ("import os; os._exit(0)", "ended the Python process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended the Python process"),
        ("raise SystemExit(3)", "scale called exit()"),
        ("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True: pass", "not be interrupted"),
    ],
)
def test_loops_and_crashes_cost_their_exercise_only(course, body, says):
    began = time.monotonic()
    result = run(course, submission(**RIGHT | {"scale": f"def scale(xs, factor):\n    {body}"}))
    assert passed(result) == {"running_sum-visible", "running_sum-hidden"}
    assert says in result.tests["scale-visible"].message
    assert "scale" in result.tests["scale-hidden"].message
    assert time.monotonic() - began < 40


def test_a_cell_that_kills_the_kernel_is_left_out_and_the_rest_replayed(course):
    nb = submission(**RIGHT | {"running_sum": RIGHT["running_sum"] + "\nimport os\nos._exit(1)"})
    result = run(course, nb)
    assert passed(result) == {"scale-visible", "scale-hidden"}
    assert any("running_sum" in remark and "left out" in remark for remark in result.remarks)
    assert "not defined, because its cell ended the Python process" in result.tests["running_sum-hidden"].message


def test_what_a_crash_took_away_is_there_again_for_later_tests(course):
    helper = "import math\nSTART = 0.0"
    nb = submission(
        scale=helper + "\n\n\ndef scale(xs, factor):\n    import os\n    os._exit(1)",
        running_sum=RIGHT["running_sum"].replace("0.0, []", "START, []"),
    )
    assert passed(run(course, nb)) == {"running_sum-visible", "running_sum-hidden"}


def test_a_submission_that_uses_up_its_time_is_told(course):
    slow = RIGHT["scale"] + "\nimport time\ntime.sleep(2)"
    result = run(course, submission(**RIGHT | {"scale": slow}), Limits(2, 5, 1.0, 1000))
    assert passed(result) == set()
    assert "used up its 1 s" in result.tests["running_sum-hidden"].message
    assert result.tests["running_sum-hidden"].verdict is Verdict.NOT_RUN


def test_floods_of_output_are_cut_by_bytes(course):
    flood = RIGHT["scale"] + "\nprint('x' * 5_000_000)"
    result = run(course, submission(**RIGHT | {"scale": flood}))
    assert passed(result) == ALL
    assert sum(len(str(o)) for outputs in result.outputs.values() for o in outputs) < 20_000
    assert "output cut" in str(result.outputs)


def test_input_cannot_wait_for_anyone(course):
    result = run(course, submission(**RIGHT | {"scale": "x = input()\n" + RIGHT["scale"]}))
    assert "running_sum-hidden" in passed(result)
    assert "StdinNotImplementedError" in result.tests["scale-hidden"].message


@pytest.mark.parametrize("ending", ["", "import os\nos._exit(1)\n"], ids=["in peace", "by crashing"])
def test_nothing_of_a_submission_outlives_it(course, tmp_path, ending):
    mark = tmp_path / "beat"
    script = tmp_path / "beat.py"
    script.write_text(f"import time\nwhile True:\n    open({str(mark)!r}, 'a').write('x')\n    time.sleep(0.05)\n")
    child = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, {str(script)!r}])\ntime.sleep(1)\n\n"
    result = run(course, submission(**RIGHT | {"scale": child + ending + RIGHT["scale"]}))
    assert "running_sum-hidden" in passed(result)
    size = mark.stat().st_size
    time.sleep(0.5)
    assert mark.stat().st_size == size > 0


def test_the_same_student_gets_the_same_inputs_and_others_do_not(course):
    prints = RIGHT["scale"] + "\nimport os\nprint('seed', os.environ['COURSE_SEED'])"
    first, again = (run(course, submission(**RIGHT | {"scale": prints})) for _ in range(2))
    other = run(course, submission(**RIGHT | {"scale": prints}), student="bob")
    assert first.outputs == again.outputs
    assert first.seed == again.seed != other.seed
    assert f"seed {seed_for(NAME, 'ada')}" in str(first.outputs)


def test_random_numbers_repeat_on_regrading(course):
    rolls = RIGHT["scale"] + "\nimport random\nprint(random.random(), np.random.normal())"
    first, again = (run(course, submission(**RIGHT | {"scale": rolls})) for _ in range(2))
    assert first.outputs == again.outputs


def test_files_beside_the_grader_are_out_of_the_way(course):
    shadow = "open('numpy.py', 'w').write('raise SystemExit')\n" + RIGHT["scale"]
    assert passed(run(course, submission(**RIGHT | {"scale": shadow}))) == ALL
    assert not (course.root / "numpy.py").exists()


def test_lost_tests_are_a_fault_of_ours_and_give_no_verdict(course):
    (course.root / "tests" / "hidden" / "a0_tiny.py").unlink()
    result = run(course, submission(**RIGHT))
    assert result.fault is not None
    assert "no hidden tests" in result.fault


def test_a_test_that_ends_in_an_expression_gives_no_verdict(course):
    nb = submission(**RIGHT)
    next(c for c in nb.cells if grade_id(c) == "scale-visible").source = "scale([1.0], 2.0) == [99.0]"
    assert "ends in an expression" in run(course, nb).fault


def test_a_kernel_that_does_not_start_is_a_fault_of_the_machine(course, monkeypatch):
    monkeypatch.setattr("course_lib.grading.kernel.sys.executable", "/bin/false")
    monkeypatch.setattr("course_lib.grading.kernel.START_SECONDS", 2)
    result = run(course, submission(**RIGHT))
    assert "no Python kernel could be started" in result.fault
    assert result.tests == {}


def test_a_broken_grader_gives_a_fault_not_a_score(course, monkeypatch):
    monkeypatch.setattr(engines, "_failed_line", None)
    monkeypatch.setattr(engines._Run, "_judge", lambda *a: 1 / 0)
    assert "ZeroDivisionError" in run(course, submission(**RIGHT)).fault


def test_jobs_and_results_are_plain_data():
    result = Result("kernel", 3, {"a": TestVerdict(Verdict.FAILED, "why")}, {2: [{"x": 1}]}, ["r"], None, 0.5)
    assert Result.from_json(result.to_json()) == result


def test_results_are_written_so_that_nbgrader_counts_them(course):
    from nbgrader.utils import determine_grade

    nb = submission(**RIGHT | {"scale": "def scale(xs, factor):\n    return xs"})
    result = run(course, nb)
    apply(result, nb)
    points = {grade_id(c): determine_grade(c)[0] for c in nb.cells if grade_id(c) in ALL}
    assert points == {"scale-visible": 0, "scale-hidden": 0, "running_sum-visible": 4.0, "running_sum-hidden": 6.0}
    told = next(c for c in nb.cells if grade_id(c) == "scale-hidden").outputs[0]
    assert "test_every_entry" not in str(told)


def test_the_blueprint_maps_tests_to_exercises(course):
    exercises = blueprint(course, NAME).exercises
    assert {name: [t.grade_id for t in e.tests] for name, e in exercises.items()} == {
        "scale": ["scale-visible", "scale-hidden"],
        "running_sum": ["running_sum-visible", "running_sum-hidden"],
    }
