"""Whole submissions: what counts, what is shown, what happens to loops, crashes and faults of our own."""

from __future__ import annotations

import subprocess
import time
from unittest import mock

import pytest

from course_lib.grading.engine import Limits, Verdict

from .conftest import LIMITS, answer, hidden, locked, own, passed, visible

pytestmark = pytest.mark.grading
RIGHT = "def f(x): return 2 * x"
JUDGE = 'from tests.hidden import judge; assert judge("a0-desk", f=f)'


def texts(result):
    return "".join(o.get("text", "") for outputs in result.outputs.values() for o in outputs)


def test_the_same_seed_gives_the_same_inputs_and_the_student_cannot_see_it(desk):
    source = RIGHT + "\nimport os; print('seed', os.environ.get('COURSE_SEED'))"
    result = desk.run(answer("f", source), hidden("f", JUDGE))
    assert passed(result) == {"f-hidden"} and "seed None" in texts(result)
    show = [hidden("f", 'import os; raise AssertionError("seed " + str(int(os.environ["COURSE_SEED"]) % 9973))')]
    first, again, other = (desk.run(*show, seed_of=s).tests["f-hidden"].message for s in ("ada", "ada", "bob"))
    assert first == again != other


def test_cells_show_what_they_show_in_a_notebook(desk):
    result = desk.run(
        own("print('out'); import sys; print('err', file=sys.stderr); 6 * 7"),
        own("import asyncio; await asyncio.sleep(0); print('awaited')"),
        own("%time x = 1"),
        own("!echo from the shell"),
        own("from IPython.display import HTML; HTML('<b>bold</b>')"),
        own("1 / 0"),
        own("input()"),
    )
    shown = str(result.outputs)
    for expected in (
        "out",
        "err",
        "'42'",
        "awaited",
        "from the shell",
        "<b>bold</b>",
        "ZeroDivisionError",
        "nobody to ask",
    ):
        assert expected in shown, f"{expected}: {shown}"


def test_output_is_cut_at_a_number_of_bytes(desk):
    result = desk.run(own("print('é' * 1_000_000)"))
    assert 9_000 < len(texts(result).encode()) < 10_500 and "cut" in texts(result)


def test_prints_and_warnings_during_tests_cost_nothing_and_show_nothing(desk):
    source = "import warnings\ndef f(x):\n    print('printed'); warnings.warn('careful'); return 2 * x"
    result = desk.run(answer("f", source), visible("f", "assert f(1) == 2"), hidden("f", JUDGE))
    assert len(passed(result)) == 2 and "printed" not in result.to_json()


def test_an_endless_loop_costs_its_own_exercise_only(desk):
    began = time.monotonic()
    result = desk.run(
        answer("f", "def f(x):\n    while True: pass"),
        visible("f", "f(1)"),
        hidden("f", JUDGE),
        answer("g", "def g(x): return x + 1"),
        visible("g", "assert g(1) == 2"),
    )
    assert passed(result) == {"g-visible"}
    assert result.tests["f-visible"].message == "f was still running after 3 s: is there a loop that never ends?"
    assert result.tests["f-hidden"].verdict is Verdict.NOT_RUN
    assert time.monotonic() - began < 12


def test_a_cell_that_never_ends_is_stopped_and_the_rest_goes_on(desk):
    result = desk.run(
        own("kept = 1"),
        own("while True: pass"),
        answer("f", "def f(x): return 2 * x * kept"),
        visible("f", "assert f(2) == 4"),
    )
    assert passed(result) == {"f-visible"}
    assert any("never ends" in remark for remark in result.remarks)


def test_a_deaf_cell_is_killed_and_earlier_cells_run_again(desk):
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    result = desk.run(
        own("kept = [1]"),
        own("kept.append(2)"),
        own(deaf),
        answer("f", "def f(): return kept"),
        visible("f", "assert f() == [1, 2]"),
    )
    assert passed(result) == {"f-visible"}


def test_a_crash_costs_its_own_exercise_only(desk):
    result = desk.run(
        answer("f", "def f(x):\n    import os; os._exit(1)"),
        visible("f", "f(1)"),
        answer("g", "def g(x): return x + 1"),
        own("import os; os._exit(1)"),
        visible("g", "assert g(1) == 2"),
        hidden("g", "assert g(1) == 2"),
    )
    assert passed(result) == {"g-visible", "g-hidden"}
    assert "ended the Python process" in result.tests["f-visible"].message


def test_a_notebook_that_uses_up_its_time_still_has_its_tests_judged(desk):
    limits = Limits(test_seconds=2, cell_seconds=2, submission_seconds=8, output_bytes=1000)
    loops = [own("while True: pass") for _ in range(6)]
    result = desk.run(answer("f", RIGHT), visible("f", "assert f(1) == 2"), hidden("f", JUDGE), *loops, limits=limits)
    assert passed(result) == {"f-visible", "f-hidden"}
    assert any("used up" in remark for remark in result.remarks)


def test_the_closing_cell_is_not_run_with_a_function_that_hangs(desk):
    result = desk.run(
        answer("f", "def f(x):\n    while True: pass"), visible("f", "f(1)"), locked("closing", "print(f(1))")
    )
    assert any('"closing" was not run' in remark for remark in result.remarks)


def test_a_broken_cell_is_named_as_the_reason(desk):
    result = desk.run(answer("f", "def f(x)\n    return x"), visible("f", "f(1)"), hidden("f", JUDGE))
    assert "f is not defined, because its cell raised SyntaxError" in result.tests["f-visible"].message
    assert "SyntaxError" in result.tests["f-hidden"].message


def test_not_implemented_is_said_so(desk):
    assert "not written yet" in desk.says("def f(x): raise NotImplementedError", "f(1)")


def test_locked_cells_serve_the_tests_too(desk):
    result = desk.run(
        locked("given", "import math\nLIMIT = 3\ndef helper(x): return x + LIMIT"),
        own("LIMIT = 99; helper = None; math = None"),
        answer("f", "def f(x): return x + 3"),
        visible("f", "assert f(1) == helper(1) == 4 and math.pi > 3"),
    )
    assert passed(result) == {"f-visible"}


def test_a_fault_of_the_tests_is_no_score(desk):
    for source in (
        'from tests.hidden import judge; assert judge("a0-desk", unknown=f)',
        "from tests.hidden import nothing_of_the_kind",
        "class Own: pass\nf(Own())",
    ):
        result = desk.run(answer("f", RIGHT), hidden("f", source))
        assert result.fault is not None and not result.tests, source


def test_an_unusable_submission_says_why_everywhere(desk):
    import nbformat

    from course_lib.grading.engine import Job

    nb = nbformat.v4.new_notebook(cells=[answer("f", ""), visible("f", "f(1)")])
    result = desk.engine.run(Job.make("a0-desk", "ada", nb, desk.root, LIMITS, "the file is empty"))
    assert result.tests["f-visible"].verdict is Verdict.NOT_RUN and "empty" in result.tests["f-visible"].message


def test_two_runs_see_the_same_random_numbers_and_nothing_of_each_other(desk):
    cells = [own("import random; print(np.random.rand(), random.random(), hash('x'), 'left' in globals()); left = 1")]
    first, again = (texts(desk.run(*cells)) for _ in range(2))
    assert first == again and "False" in first


def test_messages_of_hidden_tests_hold_no_values(desk):
    cases = {
        "np.testing.assert_allclose(f(np.full(3, 0.123456)), [1.2345, 2, 3], err_msg='is it scaled?')": "is it scaled?",
        "x = np.full(2, 0.123456); assert False, f'got {f(x)} for {x.tolist()}'": "got […] for […]",
        "assert False, f'off by {f(0.12345678)}'": "off by …",
    }
    for test, expected in cases.items():
        message = desk.says(RIGHT, test, hide=True)
        assert expected in message and "1234" not in message and "2469" not in message, message


def test_exceptions_in_hidden_tests_say_only_what_is_safe(desk):
    def raised(body):
        return desk.says(f"def f(x, w=1):\n    {body}", JUDGE, hide=True)

    assert raised("raise ValueError(str(x))") == "f raised ValueError"
    assert raised("raise type('X' + str(int(1e6 * x[0])), (ValueError,), {})()") == "f raised ValueError"
    assert raised("return x @ np.ones((4, 2))").endswith("(size 4 is different from 3)")
    assert (
        raised("return x + np.ones(4)")
        == "f raised ValueError: operands could not be broadcast together with shapes (3,) (4,)"
    )
    assert raised("return 'short'[9]") == "f raised IndexError: string index out of range"
    assert raised("return undefined_name") == "f raised NameError: name 'undefined_name' is not defined"
    assert raised(
        "raise ValueError(f'operands could not be broadcast together with shapes ({int(1e6*x[0])},) (3,)')"
    ) == ("f raised ValueError")
    assert raised("return f()") == "f raised TypeError: f() missing 1 required positional argument: 'x'"


def test_what_hidden_tests_sent_is_in_no_later_output(desk):
    result = desk.run(
        answer("f", "kept = []\ndef f(x):\n    kept.append(str(x)); open('/tmp/kept', 'a').write(str(x)); return x"),
        hidden("f", "f(0.987654)"),
        own("print('kept', kept)\nimport os; print(os.path.exists('/tmp/kept') and open('/tmp/kept').read())"),
    )
    assert "kept []" in texts(result) and "987654" not in result.to_json()


def test_a_function_that_spoils_what_a_hidden_test_compares_with_earns_nothing(desk):
    test = "x = np.ones(3)\ngot = f(x)\nassert np.array_equal(got, 2 * x)"
    spoils = "def f(x):\n    x[:] = 0\n    return x.copy()"
    assert desk.says(spoils, test, hide=True) == "f changes what it is given, in place: work on a copy"
    assert desk.says("def f(x): return 2 * x", test, hide=True) == ""
    lists = "x = [3, 1]\nassert f(x) == sorted(x)"
    assert "in place" in desk.says("def f(x):\n    x.clear(); return []", lists, hide=True)


def test_what_is_nudged_and_put_back_counts_as_left_alone(desk):
    source = "def f(g, x):\n    x += 1e-5; up = g(x); x -= 2e-5; down = g(x); x += 1e-5\n    return (up - down) / 2e-5"
    test = "x = np.array([0.3, 0.7])\nassert abs(f(lambda y: float(np.sum(y)), x) - 2) < 1e-6"
    assert desk.says(source, test, hide=True) == ""


def test_a_range_that_would_keep_the_checker_busy_for_ever_is_refused(desk):
    source = "class f:\n    @property\n    def tokens(self): return range(2**62)"
    began = time.monotonic()
    assert desk.says(source, "assert 'song' not in f().tokens") != ""
    assert time.monotonic() - began < 10


def test_a_checker_that_no_alarm_reaches_is_ended_with_its_engine(desk):
    from course_lib.grading.trusted import TrustedEngine

    from .conftest import Desk

    engine = TrustedEngine(desk.engine.tier)
    limits = Limits(test_seconds=1, cell_seconds=1, submission_seconds=1, output_bytes=1000)
    with mock.patch("course_lib.grading.trusted.engine.GRACE_SECONDS", 1):
        # The test itself loops inside C code, as a student's value might make it do.
        result = Desk(engine, desk.root).run(
            answer("f", RIGHT), visible("f", "assert 'song' not in range(2**62)"), limits=limits
        )
    assert "given up" in result.fault
    groups = {str(server.process.pid) for server in engine._servers.values()}
    engine.close()
    found = subprocess.run(["ps", "-eo", "pgid,stat,args"], capture_output=True, text=True).stdout.splitlines()
    assert not [line for line in found if line.split()[0] in groups and line.split()[1][0] != "Z"]


def test_submissions_cannot_signal_each_other_by_locks_or_watches_on_shared_files(desk):
    source = """
import ctypes, fcntl
held = []
libc = ctypes.CDLL(None, use_errno=True)
with open('/usr/bin/env', 'rb') as shared:
    for name, lock in (('flock', fcntl.flock), ('lockf', fcntl.lockf)):
        try:
            lock(shared, fcntl.LOCK_SH); held.append(name)
        except OSError:
            pass
watching = libc.inotify_init1(0)
if watching >= 0 and libc.inotify_add_watch(watching, b'/usr/bin/env', 0xFFF) >= 0:
    held.append('inotify')
print('held', held)
"""
    assert "held []" in texts(desk.run(own(source)))


def test_memory_of_all_processes_together_is_capped(desk):
    source = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hoard = bytearray(b'x' * (400 << 20)); time.sleep(30); os._exit(0)
time.sleep(20)
"""
    limits = Limits(3, 30, 60, 1000)
    result = desk.run(own(source), answer("f", RIGHT), visible("f", "assert f(1) == 2"), limits=limits)
    assert passed(result) == {"f-visible"}
    assert any("MB of memory in all its processes" in remark for remark in result.remarks), result.remarks


def test_interrupting_the_engine_is_a_fault_and_not_a_score(desk):
    import threading

    from course_lib.grading.trusted import TrustedEngine

    engine = TrustedEngine(desk.engine.tier)
    threading.Timer(1.5, engine.stop.set).start()
    try:
        from .conftest import Desk

        began = time.monotonic()
        result = Desk(engine, desk.root).run(own("import time; time.sleep(30)"), limits=Limits(3, 30, 60, 1000))
        assert result.fault == "grading was interrupted" and time.monotonic() - began < 10
    finally:
        engine.close()
