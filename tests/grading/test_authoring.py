"""Each authoring rule, broken once: the message names the cell, shows the line and says what to write."""

from __future__ import annotations

import pytest

from course_lib.grading import authoring
from course_lib.grading.errors import SourceFault
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook
from course_lib.grading.release import write_release

from .tiny_course import NAME, cell, source_notebook


def find(nb, name):
    return next(c for c in nb.cells if grade_id(c) == name)


def set_meta(name, **values):
    return lambda nb: find(nb, name).metadata["nbgrader"].update(values)


def set_source(name, text):
    return lambda nb: find(nb, name).update(source=text)


def replace(name, old, new):
    return lambda nb: find(nb, name).update(source=find(nb, name).source.replace(old, new))


def add_output(nb):
    find(nb, "scale").execution_count = 3


RULES = {
    "ends in an expression": set_source("scale-visible", "scale([1.0], 2.0) == [2.0]"),
    "is not Python": set_source("scale-visible", "assert scale("),
    'id "scale" is used by 2 cells': lambda nb: nb.cells.append(find(nb, "scale")),
    "has no nbgrader id": lambda nb: find(nb, "scale-task").metadata.clear(),
    "the import cell is not locked": set_meta("imports", locked=False),
    'the test cell "scale-hidden" is not locked': set_meta("scale-hidden", locked=False),
    'the text cell "scale-task" is not locked': set_meta("scale-task", locked=False),
    "add up to 21; the notebook's metadata declare 20": set_meta("scale-hidden", points=4.0),
    "unbalanced or misspelt markers": replace("scale", "### END SOLUTION", ""),
    '"running_sum" has unbalanced or misspelt': replace("running_sum", "### BEGIN SOLUTION", "## BEGIN SOLUTION"),
    "holds a solution": replace("scale-visible", "assert", "### BEGIN SOLUTION\n### END SOLUTION\nassert"),
    "holds hidden tests but is not": replace("imports", "import math", "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS"),
    "defines rescale; expected exactly one function called scale": replace("scale", "def scale", "def rescale"),
    'has no "### BEGIN SOLUTION"': set_source("scale", "def scale(xs, factor):\n    return xs"),
    "belongs to no exercise": set_meta("scale-visible", grade_id="skale-visible"),
    'judges "a1-other"': replace("scale-hidden", NAME, "a1-other"),
    "holds outputs": add_output,
    "schema version 2": set_meta("scale", schema_version=2),
    'no cell with the id "imports"': set_meta("imports", grade_id="setup"),
    'no test cell judges "extra"': lambda nb: nb.cells.append(
        cell("code", "extra", "def extra():\n    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION", solution=True)
    ),
    "has points None": set_meta("scale-visible", points=None),
}


def test_the_tiny_course_obeys_every_rule(course):
    authoring.check_source(course, NAME)


@pytest.mark.parametrize("says", RULES)
def test_a_broken_rule_is_named(says, course):
    nb = source_notebook()
    RULES[says](nb)
    problems = [str(p) for p in authoring.problems_of(nb, NAME)]
    assert any(says in p for p in problems), problems


def test_the_message_shows_the_cell_the_line_and_what_to_write(course):
    nb = read_notebook(course.source(NAME))
    find(nb, "scale-visible").source = "np.allclose(scale([1.0], 2.0), [2.0])"
    write_notebook(nb, course.source(NAME))
    with pytest.raises(SourceFault) as caught:
        write_release(course, NAME)
    assert str(caught.value) == (
        'a0-tiny: test cell "scale-visible" ends in an expression; nbgrader gives full marks even if it is False.\n'
        "  solutions/a0-tiny/a0-tiny.ipynb, cell 5:  np.allclose(scale([1.0], 2.0), [2.0])\n"
        '  Write:  assert np.allclose(scale([1.0], 2.0), [2.0]), "..."'
    )


def test_files_beside_the_source_are_refused_unless_declared(course):
    beside = course.source(NAME).parent / "data" / "answers.txt"
    beside.parent.mkdir()
    beside.write_text("42")
    with pytest.raises(SourceFault, match=r"data/answers\.txt.*every student"):
        authoring.check_source(course, NAME)
    nb = read_notebook(course.source(NAME))
    nb.metadata["course"]["files"] = ["data/answers.txt"]
    write_notebook(nb, course.source(NAME))
    released = write_release(course, NAME)
    assert (released.parent / "data" / "answers.txt").read_text() == "42"
    beside.unlink()
    with pytest.raises(SourceFault, match="does not exist"):
        authoring.check_source(course, NAME)


def test_tidying_drops_outputs_and_nothing_else(course):
    nb = read_notebook(course.source(NAME))
    find(nb, "imports").execution_count = 1
    write_notebook(nb, course.source(NAME))
    assert authoring.tidy_source(course.source(NAME))
    assert read_notebook(course.source(NAME)) == source_notebook()
    assert not authoring.tidy_source(course.source(NAME))
