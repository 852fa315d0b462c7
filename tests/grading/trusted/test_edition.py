"""What student code may import: everything but the answers, the grader, and what the assignment does not allow."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from course_lib.grading.errors import SourceFault
from course_lib.grading.trusted.edition import absent_functions, leave_out, make_edition

from .conftest import own

ROOT = Path(__file__).parents[3]
LIB = ROOT / "course_lib"
REFERENCES = absent_functions(ROOT / "tests" / "hidden" / "a2_rnn.py")


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    return make_edition(tmp_path_factory.mktemp("editions"), LIB, REFERENCES)


def test_references_are_read_without_running_the_tests():
    assert REFERENCES["softmax"] == "course_lib.functional" and REFERENCES["rnn_step"] == "course_lib.recurrent.rnn"


def test_no_reference_is_defined_or_imported_anywhere(edition):
    for path in edition.lib.glob("course_lib/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                module = ".".join(path.relative_to(edition.lib).with_suffix("").parts)
                assert REFERENCES.get(node.name) != module, (path, node.name)
            if isinstance(node, ast.ImportFrom):
                assert not {a.name for a in node.names} & set(REFERENCES), path


def test_the_grader_and_what_needs_other_packages_are_left_out(edition):
    inside = {p.name for p in (edition.lib / "course_lib").iterdir()}
    assert {"functional.py", "data", "recurrent", "optim.py"} <= inside
    assert not inside & {"grading", "cli.py", "publishing.py", "nn", "plotting.py"}


def test_data_files_come_along(edition):
    originals = [p for p in (LIB / "data").rglob("*") if p.suffix in (".xz", ".toml")]
    assert originals
    for path in originals:
        assert (edition.lib / "course_lib" / path.relative_to(LIB)).read_bytes() == path.read_bytes()


def test_only_allowed_packages_are_there(edition):
    names = {name for name, _ in edition.packages}
    assert {"numpy", "IPython"} <= names
    assert not names & {"scipy", "torch", "nbgrader", "sqlalchemy", "matplotlib", "tests"}


def test_the_same_content_is_built_once(edition):
    before = edition.folder.stat().st_mtime_ns
    again = make_edition(edition.folder.parent, LIB, REFERENCES)
    assert again.folder == edition.folder and again.folder.stat().st_mtime_ns == before
    other = make_edition(edition.folder.parent, LIB, {})
    assert other.digest != edition.digest


def test_compiled_files_hold_no_reference(edition):
    for path in edition.lib.rglob("*.pyc"):
        assert b"\xda\x07softmax" not in path.read_bytes() or "functional" not in path.name


def test_a_reference_that_is_not_there_is_the_instructors_mistake(tmp_path):
    with pytest.raises(SourceFault, match=r"course_lib\.functional\.no_such"):
        make_edition(tmp_path, LIB, {"no_such": "course_lib.functional"})


def test_leaving_out_keeps_everything_else_as_it_was():
    source = '''\
"""Module."""
from a import (
    b,
    gone,  # with a reason
)
from c import gone as other
__all__ = ["kept", "gone"]


@decorated
def gone(x):
    return x


# A reason.
def kept(x):
    from d import gone
    return gone(x)
'''
    text = leave_out(source, {"gone"}, {"gone"})
    tree = ast.parse(text)
    assert "def gone" not in text and "@decorated" not in text and "# A reason." in text
    assert "from a import b\n" in text and "from c import" not in text and "__all__ = ['kept']" in text
    assert [n.name for n in tree.body if isinstance(n, ast.FunctionDef)] == ["kept"]


@pytest.mark.grading
def test_every_module_of_the_edition_imports_in_the_sandbox(engine, edition, tmp_path):
    import nbformat

    from course_lib.grading.engine import Job, Limits

    modules = sorted(
        ".".join(p.relative_to(edition.lib).with_suffix("").parts).removesuffix(".__init__")
        for p in edition.lib.glob("course_lib/**/*.py")
    )
    source = "import importlib\n" + "\n".join(
        f"try: importlib.import_module({m!r})\nexcept ImportError as e: print({m!r}, e)" for m in modules
    )
    source += "\nfrom course_lib import data; print('loaded', type(data.load('pride-prejudice')).__name__)"
    nb = nbformat.v4.new_notebook(cells=[own(source)])
    result = engine.run(Job.make("a2-rnn", "ada", nb, ROOT, Limits(), None))
    shown = "".join(o.get("text", str(o)) for o in result.outputs[0])
    needs_scipy = [line for line in shown.splitlines() if "scipy" in line]
    assert [line for line in shown.splitlines() if line not in needs_scipy] == ["loaded str"], shown


def test_scipy_is_installed_here_so_that_its_absence_there_means_something():
    assert importlib.util.find_spec("scipy") and importlib.util.find_spec("torch")
