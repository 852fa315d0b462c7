"""The course under attack: one assignment of two exercises, and marked secrets wherever a course keeps some."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.notebooks import Blueprint, grade_id, normalise, write_notebook
from course_lib.grading.release import grading_version

NAME = "a1-fort"
REPOSITORY = Path(__file__).parents[2]
POINTS = {"double-visible": 1.0, "double-hidden": 2.0, "softmax-visible": 3.0, "softmax-hidden": 4.0}
NEIGHBOUR = f"_grading/submitted/nan/{NAME}/{NAME}.ipynb"  # right work, which a link could pass off as its own
HONEST_PART = 3.0  # what `double` is worth; every attack solves it, and does its worst in `softmax`

# Words that nobody but the instructor knows. None may appear in what a student gets to see.
CANARIES = {
    "tests": "canary-of-the-hidden-tests",
    "environment": "canary-of-the-environment",
    "home": "canary-of-the-home-folder",
    "gradebook": "canary-of-the-gradebook",
    "other": "canary-of-another-submission",
    "solution": "canary-of-the-solution",
    "input": "7131",  # digits of a hidden input
}

DOUBLE = "def double(xs):\n    return [2 * x for x in xs]"
SOFTMAX = """\
def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)"""

HIDDEN = f'''\
"""Hidden tests of the fort. {CANARIES["tests"]}"""

import numpy as np

SECRET = "{CANARIES["tests"]}"
REFERENCES = {{"softmax": "course_lib.functional"}}


def test_each_entry_is_doubled(double, rng):
    xs = [float(x) for x in rng.integers(1, 100, size=4)]
    assert double(xs) == [2 * x for x in xs], "each entry should be doubled"


def test_large_scores_do_not_overflow(softmax):
    x = np.array([7131.25, 7131.25, 0.0])
    got = softmax(x)
    assert np.allclose(got, [0.5, 0.5, 0.0]), "large scores overflow: is the maximum subtracted?"


def test_rows_sum_to_one(softmax, rng):
    x = rng.normal(size=(3, 5))
    want = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    got = softmax(x)
    assert isinstance(got, np.ndarray), f"returned a {{type(got).__name__}}; expected an array"
    assert got.shape == want.shape, f"returned shape {{got.shape}}; expected {{want.shape}}"
    np.testing.assert_allclose(got, want, err_msg="the rows differ from exp(x) / sum of exp(x)")
'''


def cell(name: str, source: str, *, points: float | None = None, solution: bool = False) -> NotebookNode:
    made = new_code_cell(source)
    made.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
    } | ({} if points is None else {"points": points})
    return made


def source_notebook() -> NotebookNode:
    def solved(source: str) -> str:
        head, body = source.split("\n", 1)
        return f"{head}\n    ### BEGIN SOLUTION\n    # {CANARIES['solution']}\n{body}\n    ### END SOLUTION"

    def hidden(name: str) -> str:
        call = f'from tests.hidden import judge; assert judge("{NAME}", {name}={name})'
        return f"# Other inputs.\n### BEGIN HIDDEN TESTS\n{call}\n### END HIDDEN TESTS"

    nb = new_notebook()
    nb.cells = [
        cell("imports", "import numpy as np"),
        cell("double", solved(DOUBLE), solution=True),
        cell("double-visible", 'assert double([1.0]) == [2.0], "twice each"', points=POINTS["double-visible"]),
        cell("double-hidden", hidden("double"), points=POINTS["double-hidden"]),
        cell("softmax", solved(SOFTMAX), solution=True),
        cell(
            "softmax-visible",
            "quarters = softmax(np.zeros(4))\n"
            'assert np.shape(quarters) == (4,), "one share for each score"\n'
            'assert np.allclose(quarters, 0.25), "equal scores, equal shares"',
            points=POINTS["softmax-visible"],
        ),
        cell("softmax-hidden", hidden("softmax"), points=POINTS["softmax-hidden"]),
        cell("closing", 'print("closing", double([1.0]))'),
    ]
    return normalise(nb)


def right_work() -> NotebookNode:
    """A neighbour's notebook that earns everything."""
    nb = grading_version(source_notebook())
    for cell in nb.cells:
        cell.source = {"double": DOUBLE, "softmax": SOFTMAX}.get(grade_id(cell) or "", cell.source)
    return nb


def blueprint() -> Blueprint:
    """What repair puts submissions right by, hidden tests included."""
    return Blueprint.from_notebook(NAME, grading_version(source_notebook()))


def learnt(seen: str) -> list[str]:
    """Which of the secrets are in what a student gets to see."""
    return [name for name, word in CANARIES.items() if word in seen]


@contextmanager
def fort(root: Path) -> Iterator[Path]:
    """The course at `root`, with secrets beside it and in the environment while the block runs."""
    write_notebook(source_notebook(), root / "solutions" / NAME / f"{NAME}.ipynb")
    root.mkdir(parents=True, exist_ok=True)
    for package in ("hidden",):
        folder = root / "tests" / package
        folder.mkdir(parents=True)
        shutil.copyfile(REPOSITORY / "tests" / package / "__init__.py", folder / "__init__.py")
    (root / "tests" / "__init__.py").write_text("")
    (root / "tests" / "hidden" / "a1_fort.py").write_text(HIDDEN)
    other = root / "_grading" / "submitted" / "bob" / NAME / f"{NAME}.ipynb"
    other.parent.mkdir(parents=True)
    other.write_text(f'{{"stolen": "{CANARIES["other"]}"}}')
    write_notebook(right_work(), root / NEIGHBOUR)
    book = sqlite3.connect(root / "_grading" / "gradebook.db")
    # Named as nbgrader names them, so that one attack fits both.
    book.execute("create table grade (student text, auto_score real, manual_score real)")
    book.execute("insert into grade values (?, 1.0, null)", (CANARIES["gradebook"],))
    book.commit()
    book.close()
    home = root / "home"
    home.mkdir()
    (home / ".netrc").write_text(CANARIES["home"])
    for folder, _, files in os.walk(root):
        # The worst case: every bit of it readable by everybody.
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)
    before = {name: os.environ.get(name) for name in ("COURSE_CANARY", "HOME")}
    os.environ |= {"COURSE_CANARY": CANARIES["environment"], "HOME": str(home)}
    try:
        yield root
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
