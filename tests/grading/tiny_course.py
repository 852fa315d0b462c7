"""A course with one assignment of two exercises, small enough to be graded in a second or two."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.course import Course
from course_lib.grading.notebooks import normalise, write_notebook

# nbgrader's models make SQLAlchemy warn about itself for every submission.
QUIET = pytest.mark.filterwarnings("ignore:Object of type")
NAME = "a0-tiny"
ROOT = Path(__file__).parents[2]

SCALE = '''\
def scale(xs, factor):
    """Multiply every entry of `xs` by `factor`.

    >>> scale([1.0, 2.0], 3.0)
    [3.0, 6.0]
    """
    ### BEGIN SOLUTION
    scaled = [x * factor for x in xs]
    return scaled
    ### END SOLUTION'''

RUNNING_SUM = '''\
def running_sum(xs):
    """Sums of the first one, two, ... entries.

    >>> running_sum([1.0, 2.0, 3.0])
    [1.0, 3.0, 6.0]
    """
    ### BEGIN SOLUTION
    total, sums = 0.0, []
    for x in xs:
        total = total + x
        sums.append(total)
    return sums
    ### END SOLUTION'''

HIDDEN = '''\
"""Hidden tests of the tiny assignment."""

REFERENCES = {"scale": "tiny_reference", "running_sum": "tiny_reference"}


def test_every_entry_is_scaled(scale, rng):
    xs = list(rng.normal(size=5))
    assert len(scale(xs, 2.0)) == 5, "scale does not return one entry per input"
    assert all(abs(a - 2.0 * b) < 1e-12 for a, b in zip(scale(xs, 2.0), xs)), "factor is not applied to every entry"
    assert all(abs(a + 3.5 * b) < 1e-12 for a, b in zip(scale(xs, -3.5), xs)), "the sign of factor is lost"


def test_sums_are_carried_on(running_sum, rng):
    xs = list(rng.normal(size=6))
    sums = running_sum(xs)
    assert abs(sums[0] - xs[0]) < 1e-12, "the first sum should be the first entry: where does total start?"
    assert abs(sums[-1] - sum(xs)) < 1e-12, "the last sum differs: is total carried from step to step?"
    assert len(sums) == 6, "running_sum does not return one sum per input"
    assert all(abs(s - sum(xs[: i + 1])) < 1e-12 for i, s in enumerate(sums)), "a sum in between differs"


def test_no_entries_give_no_sums(running_sum):
    assert running_sum([]) == [], "no entries should give no sums"
'''

ANSWERS = """\
from tests.wrong_answers import right, wrong


@wrong("scale", says="factor is not applied")
def adds_instead(xs, factor):
    return [x + factor for x in xs]


@wrong("scale", says="sign of factor")
def forgets_the_sign(xs, factor):
    return [x * abs(factor) for x in xs]


@right("scale")
def by_map(xs, factor):
    return list(map(lambda x: factor * x, xs))


@wrong("running_sum", says="carried")
def forgets_the_past(xs):
    return [x for x in xs]


@right("running_sum")
def sums_from_scratch(xs):
    return [sum(xs[: i + 1]) for i in range(len(xs))]


EQUIVALENT = {}
"""


def reference(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if "### " not in line)


def cell(kind: str, name: str, source: str, *, points: float | None = None, solution: bool = False) -> NotebookNode:
    made = (new_code_cell if kind == "code" else new_markdown_cell)(dedent(source))
    meta = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }
    if points is not None:
        meta["points"] = points
    made.metadata["nbgrader"] = meta
    return made


def exercise_cells(name: str, source: str, visible: str, points: tuple[float, float]) -> list[NotebookNode]:
    hidden = f"""\
        # Other inputs, drawn for you.
        ### BEGIN HIDDEN TESTS
        from tests.hidden import judge; assert judge("{NAME}", {name}={name})
        ### END HIDDEN TESTS"""
    return [
        cell("markdown", f"{name}-task", f"## {name}"),
        cell("code", name, source, solution=True),
        cell("code", f"{name}-visible", visible, points=points[0]),
        cell("code", f"{name}-hidden", hidden, points=points[1]),
    ]


def source_notebook() -> NotebookNode:
    nb = new_notebook()
    nb.metadata["course"] = {"points": 20}
    nb.cells = [
        cell("markdown", "title", "# Tiny"),
        cell("code", "imports", "import math\nimport numpy as np"),
        *exercise_cells(
            "scale", SCALE, 'assert scale([1.0, 2.0], 3.0) == [3.0, 6.0], "each entry times factor"', (2.0, 3.0)
        ),
        *exercise_cells(
            "running_sum",
            RUNNING_SUM,
            'assert running_sum([1.0, 2.0, 3.0]) == [1.0, 3.0, 6.0], "is total carried from step to step?"',
            (4.0, 6.0),
        ),
        cell("markdown", "why", "YOUR ANSWER HERE", points=5.0, solution=True),
        cell("code", "experiment", 'print("your sums:", running_sum(scale([1.0, 2.0], 2.0)))'),
    ]
    return normalise(nb)


def make_course(root: Path) -> Course:
    write_notebook(source_notebook(), root / "solutions" / NAME / f"{NAME}.ipynb")
    shutil.copyfile(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    (root / "tiny_reference.py").write_text(reference(SCALE) + "\n\n\n" + reference(RUNNING_SUM) + "\n")
    for package, module in (("hidden", HIDDEN), ("wrong_answers", ANSWERS)):
        folder = root / "tests" / package
        folder.mkdir(parents=True)
        shutil.copyfile(ROOT / "tests" / package / "__init__.py", folder / "__init__.py")
        (folder / "a0_tiny.py").write_text(module)
    (root / "tests" / "__init__.py").write_text("")
    return Course(root, root / "_grading")
