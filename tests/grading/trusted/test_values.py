"""Tests meet the student's values as they would in one process: results, arguments, callbacks, objects, errors."""

from __future__ import annotations

import pytest

from .conftest import answer, passed, visible

pytestmark = pytest.mark.grading


def agrees(desk, source, test):
    assert desk.says(source, test) == ""


def test_numbers_texts_and_containers_come_back_as_they_are(desk):
    agrees(
        desk,
        "def f(x): return x",
        """
for x in (None, True, 3, 2**70, -1.5, float('inf'), 'text', 1 + 2j, b'raw', [1, [2, (3,)]], (1, 'a'),
          {'a': [1], 2: 'b'},
          {1, 2}, frozenset({3}), range(2, 9, 3), np.float32(1.5), np.int64(4), np.bool_(True)):
    assert f(x) == x and type(f(x)) is type(x), x
assert [a.tolist() for a in f([np.arange(3), np.eye(2)])] == [[0, 1, 2], [[1, 0], [0, 1]]]
assert np.isnan(f(float('nan')))
""",
    )


def test_counters_stay_counters_both_ways_and_may_be_changed(desk):
    agrees(
        desk,
        """
from collections import Counter
def f(counts, more):
    counts['seen'] += counts['never']
    more['never'] += 1
    return Counter({('a', 'b'): 2 + more['absent']})
""",
        """
from collections import Counter
counts, more = Counter({'seen': 3}), Counter()
got = f(counts, more)
assert type(got) is Counter and got == {('a', 'b'): 2} and got['a', 'c'] == 0
assert type(counts) is Counter and counts == {'seen': 3} and more == {'never': 1} and more.total() == 1
""",
    )


def test_an_exercise_may_be_a_class(desk):
    agrees(
        desk,
        """
class f:
    def __init__(self, words, *, size=9): self.words = tuple(words)[:size]
    @classmethod
    def made(cls, words):
        new = cls.__new__(cls); new.words = words
        return new
    def find(self, word): return self.words.index(word)
    def __len__(self): return len(self.words)
    def __contains__(self, word): return word in self.words
""",
        """
x = f(['a', 'b', 'c'], size=2)
assert x.words == ('a', 'b') and len(x) == 2 and 'b' in x and 'c' not in x and x.find('b') == 1
assert f.made(['d']).find('d') == 0 and not hasattr(f.__new__, 'words') and not hasattr(x, 'other')
try:
    x.find('z')
except ValueError:
    pass
else:
    raise AssertionError('no ValueError')
""",
    )


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float16", "float32", "float64", "complex64", "<U4"])
def test_arrays_of_every_kind_cross_both_ways(desk, dtype):
    agrees(
        desk,
        "def f(x): return x.copy()",
        f"""
x = np.arange(12).reshape(2, 3, 2).astype({dtype!r})
got = f(x)
assert isinstance(got, np.ndarray) and got.dtype == x.dtype and got.shape == x.shape and (got == x).all()
""",
    )


def test_keyword_arguments_and_defaults(desk):
    agrees(
        desk,
        "def f(a, b=2, *rest, c, **more): return a, b, rest, c, more",
        "assert f(1, c=3) == (1, 2, (), 3, {}) and f(1, 5, 6, c=7, d=8) == (1, 5, (6,), 7, {'d': 8})",
    )


def test_changes_to_arguments_happen_to_the_tests_own_objects(desk):
    agrees(
        desk,
        """
def f(a, things, table, seen):
    a += 1
    things.append('more'); things[0][...] = 7
    table['new'] = a
    seen.add(4)
""",
        """
a, inner, things, table, seen = np.zeros(3), np.zeros(2), [], {}, set()
things.append(inner)
f(a, things, table, seen=seen)
assert (a == 1).all() and things[1] == 'more' and (inner == 7).all() and things[0] is inner
assert table['new'] is a and seen == {4}
""",
    )


def test_arguments_left_alone_stay_the_same_objects(desk):
    agrees(
        desk,
        "def f(a, things): return a",
        "a = np.ones(2); things = [a]\nassert f(a, things) is a and things[0] is a and a.sum() == 2",
    )


def test_a_read_only_argument_is_read_only_there(desk):
    source = "def f(a): a += 1"
    message = desk.says(source, "a = np.zeros(2); a.flags.writeable = False\nf(a)")
    assert "read-only" in message


def test_generators_are_asked_one_item_at_a_time(desk):
    agrees(
        desk,
        "def f(n):\n    for i in range(n): yield i\n    while n > 9: yield -1",
        """
import itertools
assert list(f(4)) == [0, 1, 2, 3] and next(f(3)) == 0
assert list(itertools.islice(f(10), 12))[-2:] == [-1, -1]
assert sum(f(4)) == 6 and list(zip(f(2), f(2))) == [(0, 0), (1, 1)]
""",
    )


def test_generators_passed_as_arguments(desk):
    agrees(desk, "def f(xs): return sum(xs)", "assert f(x * x for x in range(4)) == 14 and f(iter([1, 2])) == 3")


def test_functions_passed_as_arguments_run_with_the_test(desk):
    agrees(
        desk,
        "def f(layer, xs): return layer(layer(xs), scale=2)",
        """
calls = []
weights = np.full(3, 2.0)
def layer(xs, scale=1):
    calls.append(scale)
    return xs * weights * scale
assert (f(layer, np.ones(3)) == 8).all() and calls == [1, 2]
assert f(lambda x, scale=0: x + 1, 1) == 3
""",
    )


def test_numpy_functions_passed_as_arguments(desk):
    agrees(
        desk,
        "def f(act, x): return act(x)",
        "assert f(np.tanh, 0.0) == 0 and (f(np.cumsum, np.ones(3)) == [1, 2, 3]).all() and f(float, '2') == 2.0",
    )


def test_an_exception_of_a_passed_function_reaches_the_test(desk):
    agrees(
        desk,
        "def f(layer): return layer(1)",
        """
def layer(x): raise KeyError('inside')
try:
    f(layer)
except KeyError:
    pass
else:
    raise AssertionError('no KeyError')
""",
    )


def test_the_students_functions_come_back_as_functions(desk):
    agrees(
        desk,
        "def f(k):\n    def add(x): return x + k\n    return add",
        "add = f(3)\nassert callable(add) and add(4) == 7 and add.__name__ == 'add' and f(1)(f(2)(0)) == 3",
    )


def test_a_random_generator_as_an_argument(desk):
    agrees(
        desk,
        "def f(rng): return rng.normal(size=3)",
        "assert (f(np.random.default_rng(1)) == np.random.default_rng(1).normal(size=3)).all()",
    )


def test_classes_and_instances(desk):
    agrees(
        desk,
        """
class f:
    kind = 'counter'
    def __init__(self, start=0): self.total = start; self.seen = []
    def add(self, x): self.total += x; self.seen.append(x); return self
    def __len__(self): return len(self.seen)
    def __getitem__(self, k): return self.seen[k]
    def __contains__(self, x): return x in self.seen
    @property
    def mean(self): return self.total / len(self)
""",
        """
c = f(start=1)
assert c.add(2).add(3) is c and c.total == 6 and c.mean == 3 and len(c) == 2 and c[1] == 3 and 2 in c and 9 not in c
assert list(c) == [2, 3] and f.kind == 'counter'
c.total = 10
assert c.total == 10 and not hasattr(c, 'missing') and f(5).total == 5
""",
    )


@pytest.mark.parametrize(
    "expression",
    ["f() == 1", "f() < 1", "float(f())", "np.asarray(f()) + 1", "np.allclose(f(), 1)", "bool(f())", "f() + 1"],
)
def test_what_is_not_data_is_neither_compared_nor_converted(desk, expression):
    source = """
class Yes:
    def __eq__(self, other): return True
    __lt__ = __eq__
    def __float__(self): return 1.0
    def __array__(self, *a, **k): return np.ones(1)
    def __bool__(self): return True
    def __add__(self, other): return 1
def f(): return Yes()
"""
    message = desk.says(source, f"assert {expression}")
    assert "this is a Yes, which cannot be" in message


def test_exceptions_keep_their_kind(desk):
    agrees(
        desk,
        """
class Mine(ValueError): pass
def f(kind): raise {'mine': Mine, 'index': IndexError, 'linalg': np.linalg.LinAlgError}[kind]('bad ' + kind)
""",
        """
for kind, error in (('mine', ValueError), ('index', LookupError), ('linalg', np.linalg.LinAlgError)):
    try:
        f(kind)
    except error as e:
        assert str(e) == 'bad ' + kind
    else:
        raise AssertionError('nothing raised')
""",
    )


def test_a_raised_exception_is_reported_by_kind_and_message(desk):
    assert desk.says("def f(x): return [][x]", "assert f(3) == 1") == "IndexError: list index out of range"


def test_helpers_of_a_test_cell_stay_out_of_the_students_process(desk):
    source = "def f(): return sorted(n for n in globals() if n in ('helper', 'secret'))"
    result = desk.run(answer("f", source), visible("f", "secret = 1\ndef helper(): pass\nassert f() == [], f()"))
    assert passed(result) == {"f-visible"}


def test_a_name_that_nobody_defined_is_a_name_error(desk):
    assert desk.says("x = 1", "assert unheard_of") == "NameError: name 'unheard_of' is not defined"


def test_an_exercise_is_the_students_even_if_a_test_used_its_name(desk):
    result = desk.run(
        answer("g", "def g(): return 1"),
        visible("g", "f = 7\nassert g() == 1"),
        answer("f", "def f(): return 2"),
        visible("f", "assert f() == 2"),
    )
    assert passed(result) == {"g-visible", "f-visible"}


def test_a_redefinition_later_does_not_touch_an_earlier_test(desk):
    from .conftest import hidden, own

    result = desk.run(
        answer("f", "def f(): return 1"),
        visible("f", "assert f() == 1"),
        hidden("f", "assert f() == 1"),
        own("f = None"),
    )
    assert passed(result) == {"f-visible", "f-hidden"}


def test_torch_tensors_cross_as_tensors(desk, tmp_path):
    import json

    from nbformat.v4 import new_notebook

    from course_lib.grading.engine import Job

    from .conftest import LIMITS, locked

    folder = tmp_path / "solutions" / "a0-desk"
    folder.mkdir(parents=True)
    (folder / "a0-desk.ipynb").write_text(json.dumps({"metadata": {"course": {"allow": ["numpy", "torch"]}}}))
    nb = new_notebook(
        cells=[
            locked("imports", "import numpy as np\nimport torch"),
            answer("f", "def f(x):\n    x += 1\n    return torch.relu(x).numpy(), x * 2"),
            visible(
                "f",
                "x = torch.tensor([-3.0, 1.0])\na, b = f(x)\nassert (a == [0, 2]).all() and torch.equal(b, "
                "torch.tensor([-4.0, 4.0])) and torch.equal(x, torch.tensor([-2.0, 2.0]))",
            ),
        ]
    )
    result = desk.engine.run(Job.make("a0-desk", "ada", nb, tmp_path, LIMITS, None))
    assert passed(result) == {"f-visible"}, result.tests
