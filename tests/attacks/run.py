"""Grade the attacks as a class would be graded: damaged notebooks repaired, then executed and judged."""

from __future__ import annotations

import json
import sysconfig
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_lib.grading.engine import Engine, Job, Limits, Result, apply
from course_lib.grading.notebooks import dump_notebook, grade_id
from course_lib.grading.release import grading_version
from course_lib.grading.submissions import Prepared, Submission, prepare

from . import fort
from .corpus import Attack

LIMITS = Limits(test_seconds=2.0, cell_seconds=8.0, submission_seconds=40.0, output_bytes=20_000)


@dataclass
class Outcome:
    """What an attack earned, what it learnt, and what the engine said."""

    attack: Attack
    points: float
    learnt: list[str]
    result: Result


def handed_in(attack: Attack, root: Path) -> NotebookNode:
    """The notebook as the attacker hands it in."""
    packages = sysconfig.get_path("purelib")
    worth_searching = ["/course", "/python", "/opt", "/home", "/root", "/srv", "/var", "/tmp", "/usr/local"]
    worth_searching += ["/usr/lib/python3", packages, f"{fort.REPOSITORY}/course_lib", str(root)]
    places = {"@ROOT@": str(root), "@VENV@": packages, "@PLACES@": repr(worth_searching)}

    def located(source: str) -> str:
        for mark, place in places.items():
            source = source.replace(mark, place)
        return source

    nb = grading_version(fort.source_notebook())
    at = {grade_id(cell): k for k, cell in enumerate(nb.cells)}
    nb.cells[at["double"]].source = attack.double
    nb.cells[at["softmax"]].source = located(attack.softmax)
    if attack.after:
        nb.cells.append(new_code_cell(located(attack.after)))
    if attack.before:
        nb.cells.insert(at["softmax"], new_code_cell(located(attack.before)))
    if attack.notebook is not None:
        attack.notebook(nb)
    return nb


def hand_in(attack: Attack, root: Path, folder: Path) -> None:
    """Put the attacker's file into `folder`: as it is, since whether it is valid is for the grader to find out."""
    path = folder / f"{fort.NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(handed_in(attack, root)), encoding="utf-8")
    if attack.file is not None:
        attack.file(path, root)


def submission(attack: Attack, root: Path) -> Prepared:
    """What the batch makes of it before anything is run."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "attacker", fort.NAME)
        hand_in(attack, root, folder)
        return prepare(Submission(fort.NAME, "attacker", folder), fort.blueprint())


def grade(attack: Attack, engine: Engine, root: Path, limits: Limits = LIMITS) -> Outcome:
    prepared = submission(attack, root)
    job = Job.make(fort.NAME, attack.name, prepared.notebook, root, limits, prepared.unusable)
    result = engine.run(job)
    result.remarks = prepared.remarks + result.remarks
    try:
        dump_notebook(apply(result, prepared.notebook)).encode("utf-8")
    except ValueError as error:
        result.fault = f"the result cannot be recorded ({error})"
    points = sum(fort.POINTS[name] for name, test in result.tests.items() if test.passed)
    return Outcome(attack, points, fort.learnt(result.to_json()), result)


def grade_all(
    attacks: list[Attack], engine: Engine, root: Path, workers: int = 2, done: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """All of them, `workers` at a time; `done` hears of each in the order of the table."""
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for outcome in pool.map(lambda attack: grade(attack, engine, root), attacks):
            found.append(outcome)
            if done is not None:
                done(outcome)
    return found
