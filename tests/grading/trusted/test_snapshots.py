"""Which cells a waiting test may be carried past without meeting another function than the one it stands under."""

from __future__ import annotations

import pytest

from course_lib.grading.trusted.cells import only_defines

FIRST = "def first(x):\n    return helper(x) if x else 0"


@pytest.mark.parametrize(
    "cell",
    [
        "def second(x, axis=-1, *, rate: float = 0.5) -> float:\n    return x",
        '"""A note."""\ndef second(x):\n    return x\nthird = second\nfourth = 4',
        "def second(x):\n    return first(x)",
        "",
    ],
)
def test_a_cell_that_only_gives_fresh_names_changes_nothing_before_it(cell):
    assert only_defines(cell, [FIRST])


@pytest.mark.parametrize(
    "cell",
    [
        "def first(x):\n    return x",  # another function by the same name
        "def helper(x):\n    return x",  # what the earlier function was missing
        "helper = 3",
        "import helper",
        "counter = [0]",
        "print(1)",
        "def second(x, seen=set()):\n    return x",
        "@wraps\ndef second(x):\n    return x",
        "def second(x: look()):\n    return x",
        "first.calls = 0",
        "class Second:\n    pass",
        "async def second(): pass",
        "%time second",
        "def second(x:\n",
        "del first",
        "for first in range(3): pass",
    ],
)
def test_any_other_cell_may_change_what_was_there(cell):
    assert not only_defines(cell, [FIRST])


def test_a_name_looked_up_by_its_text_is_spoken_of():
    assert not only_defines("def second(x): return x", ["def first(x):\n    return globals()['second'](x)"])
    assert not only_defines("def second(x): return x", ["this does not parse, and says second"])
