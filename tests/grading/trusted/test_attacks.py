"""Every attack earns what its honest part deserves, and learns nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.attacks import __main__ as attacks
from tests.attacks import container
from tests.attacks.corpus import TABLE
from tests.attacks.fort import fort
from tests.attacks.run import grade_all

pytestmark = pytest.mark.grading

TRIES = """
import ctypes, os, socket, subprocess
subprocess.Popen(["sleep", "87654"], start_new_session=True)
if len([p for p in os.listdir("/proc") if p.isdigit()]) < 6: print("alone")
if os.getuid() != 0 and ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0: print("unprivileged")
try: socket.create_connection(("1.1.1.1", 53), 2)
except OSError: print("offline")
for place in ("/usr/pwned", os.environ["PYTHONPATH"] + "/pwned", "/pwned", "/etc/pwned"):
    try: open(place, "w"); print("wrote", place)
    except OSError: pass
print("end")
"""


@pytest.fixture(scope="module")
def outcomes(engine, tmp_path_factory):
    if engine.tier.name == "limits":
        pytest.skip("this machine has nothing to hold the attacks back with; try python -m tests.attacks --tier limits")
    with fort(tmp_path_factory.mktemp("fort")) as root:
        found = {o.attack.name: o for o in grade_all(TABLE, engine, root)}
        yield found
        assert not list(root.rglob("pwned"))


def test_there_are_enough_attacks_and_each_has_a_name_of_its_own():
    assert len({a.name for a in TABLE}) == len(TABLE) >= 40


@pytest.mark.parametrize("attack", TABLE, ids=lambda a: a.name)
def test_attack(attack, outcomes):
    outcome = outcomes[attack.name]
    said = {name: test.message for name, test in outcome.result.tests.items()}
    assert outcome.result.fault is None
    assert outcome.points == attack.deserves, said
    assert outcome.learnt == [], (said, outcome.result.outputs)


def test_nothing_is_left_behind(outcomes):
    assert outcomes["process left behind"].result.fault is None
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 98765" not in running


def test_a_container_holds_what_nothing_else_would_and_ends_all_of_it():
    if why := container.why_not():
        pytest.skip(f"no container can be had: {why}")
    said = container.run(["-c", TRIES], seconds=30).split()
    assert said == ["alone", "unprivileged", "offline", "end"]
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 87654" not in running


def test_an_attack_on_nbgrader_refuses_to_run_in_the_open():
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.stock", "honest"],
        cwd=container.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "Uncontained" in done.stderr


def test_without_bubblewrap_the_attacks_on_nbgrader_are_refused(monkeypatch):
    monkeypatch.setattr(container.shutil, "which", lambda name: None)
    done = CliRunner().invoke(attacks.main, ["honest"])
    assert done.exit_code == 1 and "bubblewrap is not installed" in done.output and "Nothing was run" in done.output
