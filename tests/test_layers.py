"""Who may import what: read from the syntax trees, so that an import inside a function counts as well."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "course_lib"

GROUND = {"functional", "gradcheck", "optim", "data"}
TEXT = GROUND | {"text"}
ROOMS = {"recurrent", "embeddings", "ranking", "attention"}

# Which rooms of course_lib each room may import.
MAY_IMPORT = (
    {room: GROUND for room in GROUND}
    | {"text": TEXT}
    | {room: TEXT | {room} for room in ROOMS}
    | {"nn": TEXT | ROOMS | {"nn"}, "plotting": set(), "publishing": set()}
    | {"grading": {"grading"}, "cli": {"grading", "publishing", "cli"}, "": set()}
)

# Heavy or walled-off packages, and the only rooms that may load them.
ONLY_IN = {
    "torch": {"nn"},
    "gensim": {"nn"},
    "matplotlib": {"plotting"},
    "nbgrader": {"grading"},
    "nbformat": {"grading", "publishing"},
    "IPython": {"plotting", "grading"},
    "click": {"cli"},
    "rich": {"cli", "grading"},
    "tests": set(),
}

# Copied into the sandbox and run there, on the student's side, where the course's own rooms are not.
IN_THE_SANDBOX = {"grading/trusted/inside/loops.py": {"torch"}}


def modules():
    return [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]


def imports(path):
    """Dotted names that a module imports, anywhere in it, with relative ones spelled out."""
    parts = ("course_lib", *path.with_suffix("").parts)
    here = parts[:-1]
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            # "from course_lib import optim" names its room in the alias.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "course_lib" else [module]
            yield from ((node.lineno, name) for name in names)


def offences(path):
    room = "" if path.name == "__init__.py" and len(path.parts) == 1 else path.parts[0].removesuffix(".py")
    for line, name in imports(path):
        first, *rest = name.split(".")
        where = f"course_lib/{path}:{line} imports {name}"
        if first == "course_lib" and rest and rest[0] not in MAY_IMPORT[room]:
            yield f"{where}; {room or 'the package itself'} may import {sorted(MAY_IMPORT[room]) or 'nothing of it'}"
        if first in ONLY_IN and room not in ONLY_IN[first] and first not in IN_THE_SANDBOX.get(path.as_posix(), ()):
            yield f"{where}; only {sorted(ONLY_IN[first]) or 'no module'} may"


@pytest.mark.parametrize("path", modules(), ids=str)
def test_module_imports_only_what_its_layer_may(path):
    assert not list(offences(path)), "\n".join(offences(path))


def test_an_offender_is_named(tmp_path, monkeypatch):
    (tmp_path / "recurrent").mkdir()
    (tmp_path / "recurrent" / "bad.py").write_text(
        "def f():\n    import torch\n    from course_lib import grading\n    from course_lib.text import tokens\n"
    )
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    found = list(offences(Path("recurrent/bad.py")))
    assert len(found) == 2
    assert "recurrent/bad.py:2 imports torch" in found[0]
    assert "recurrent/bad.py:3 imports course_lib.grading" in found[1]


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "matplotlib", "nbgrader", "gensim", "scipy", "IPython", "click", "numpy"}
    assert not loaded_by("import course_lib") & heavy


def test_importing_recurrent_networks_loads_numpy_only():
    loaded = loaded_by("import course_lib.recurrent, course_lib.text, course_lib.data, course_lib.optim")
    assert "numpy" in loaded
    assert not loaded & {"torch", "matplotlib", "nbgrader", "gensim", "IPython", "click"}
