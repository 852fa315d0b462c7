"""Every attack earns what its honest part deserves, and learns nothing."""

from __future__ import annotations

import subprocess

import pytest

from tests.attacks.corpus import TABLE
from tests.attacks.fort import fort
from tests.attacks.run import grade_all

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def outcomes(engine, tmp_path_factory):
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
