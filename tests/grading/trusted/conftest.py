"""One engine for all tests, and a desk at which a notebook is put together from a few cells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.engine import Job, Limits, Result
from course_lib.grading.trusted import TrustedEngine

REPOSITORY = Path(__file__).parents[3]
LIMITS = Limits(test_seconds=3.0, cell_seconds=3.0, submission_seconds=60.0, output_bytes=10_000)


def cell(name: str | None, source: str, *, points: float | None = None, solution: bool = False) -> NotebookNode:
    made = new_code_cell(source)
    if name is not None:
        made.metadata["nbgrader"] = {
            "schema_version": 3,
            "grade_id": name,
            "grade": points is not None,
            "solution": solution,
            "locked": not solution,
            "task": False,
        } | ({} if points is None else {"points": points})
    return made


def answer(name: str, source: str) -> NotebookNode:
    return cell(name, source, solution=True)


def visible(exercise: str, source: str) -> NotebookNode:
    return cell(f"{exercise}-visible", source + "\npass", points=1.0)


def hidden(exercise: str, source: str) -> NotebookNode:
    return cell(f"{exercise}-hidden", source + "\npass", points=1.0)


def locked(name: str, source: str) -> NotebookNode:
    return cell(name, source)


def own(source: str) -> NotebookNode:
    """A cell of the student's own."""
    return cell(None, source)


class Desk:
    """Runs cells as a submission, and says which tests passed."""

    def __init__(self, engine: TrustedEngine, root: Path) -> None:
        self.engine, self.root = engine, root

    def run(self, *cells: NotebookNode, limits: Limits = LIMITS, seed_of: str = "ada") -> Result:
        nb = new_notebook(cells=[locked("imports", "import numpy as np"), *cells])
        return self.engine.run(Job.make("a0-desk", seed_of, nb, self.root, limits, None))

    def says(self, source: str, test: str, *, hide: bool = False) -> str:
        """The message that `test` gives on an answer cell that defines `f`; "" if it passes."""
        result = self.run(answer("f", source), (hidden if hide else visible)("f", test))
        assert result.fault is None, result.fault
        (verdict,) = result.tests.values()
        assert bool(verdict.message) != verdict.passed
        return verdict.message


@pytest.fixture(scope="session")
def engine() -> Iterator[TrustedEngine]:
    engine = TrustedEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def desk(engine, tmp_path_factory) -> Desk:
    root = tmp_path_factory.mktemp("desk")
    (root / "tests" / "hidden").mkdir(parents=True)
    (root / "tests" / "__init__.py").write_text("")
    shutil.copyfile(REPOSITORY / "tests/hidden/__init__.py", root / "tests/hidden/__init__.py")
    (root / "tests/hidden/a0_desk.py").write_text(
        "REFERENCES = {}\n\n\ndef test_it_doubles(f, rng):\n    x = rng.normal(size=3)\n"
        "    got = f(x)\n    assert (got == 2 * x).all(), 'not doubled'\n"
    )
    return Desk(engine, root)


def passed(result: Result) -> set[str]:
    assert result.fault is None, result.fault
    return {name for name, test in result.tests.items() if test.passed}
