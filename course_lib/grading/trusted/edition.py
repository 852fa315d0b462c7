"""What a student's code may import: the packages an assignment allows, and `course_lib` without its answers.

The student edition of `course_lib` is a copy whose modules all import, but which lacks the functions that the
assignment asks for, the grader, the command line and the book's builder. It is built from source files alone, so that
no compiled copy of a reference comes along. Packages are not copied; an :class:`Edition` names where each one lies.

Which functions are left out
----------------------------
A module of hidden tests (`tests/hidden/a2_rnn.py`) may hold two constants, each a dict of literals that maps a function
to the module of `course_lib` that defines it:

    REFERENCES = {"rnn_forward": "course_lib.recurrent.rnn"}             # the exercises; needed by the tests as well
    ABSENT = {"rnn_forward_stepwise": "course_lib.recurrent.rnn"}        # more that must not be there; optional

`REFERENCES` says what the assignment asks for. `ABSENT` is for what it does not ask for but what would answer it: a
slow twin of a reference, a wrapper around it, a second name. Both are read from the module's text, without running it.
Their definitions are cut out of the copy, and their names out of every import and every `__all__` in it, so that the
other modules still import. One that calls a function that is left out fails when called, not before; if it should not
even be there, list it too. A name that its module does not define is the instructor's mistake and stops grading.
"""

from __future__ import annotations

import ast
import compileall
import hashlib
import importlib.metadata as metadata
import os
import py_compile
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import MachineFault, SourceFault
from ..parsing import parse
from .plan import DEFAULT_ALLOW

SHELL_NEEDS = ("ipython",)
NEVER = frozenset({"grading", "publishing.py", "cli.py", "cli"})
ONLY_WITH = {"nn": "torch", "plotting.py": "matplotlib"}
PRELOAD = {"torch": ("torch",), "matplotlib": ("matplotlib.pyplot",)}
PRELOAD_TO_TRAIN = {"torch": ("torch._dynamo",)}  # the first step of an optimiser imports it


@dataclass(frozen=True)
class Edition:
    """A folder with the student's `course_lib` and the runner, and the places of the packages beside them."""

    digest: str
    folder: Path
    packages: tuple[tuple[str, Path], ...]
    preload: tuple[str, ...]

    @property
    def lib(self) -> Path:
        return self.folder / "lib"

    @property
    def site(self) -> Path:
        """Links to the packages, for sandboxes that cannot mount them."""
        return self.folder / "site"


def make_edition(
    cache: Path,
    course_lib: Path | None,
    absent: Mapping[str, str],
    allow: Iterable[str] = DEFAULT_ALLOW,
    *,
    trains: bool = False,
) -> Edition:
    """The edition without the functions `absent` (name to module); built once for the same content.

    Parameters
    ----------
    cache : folder of editions, by digest
    course_lib : the package's folder; None leaves it out
    absent : functions to leave out, each with the module that defines it
    allow : names of distributions
    trains : whether what optimisers need is loaded in advance too
    """
    allow = tuple(allow)
    packages = _packages([*allow, *SHELL_NEEDS])
    files = _sources(course_lib, allow) if course_lib else {}
    texts = {name: _without(path, name, absent) for name, path in files.items()}
    missing = _unknown(absent, files)
    if missing:
        raise SourceFault(
            f"the hidden tests name references that are not there: {', '.join(missing)}. "
            "Expected REFERENCES to map each function to the module of course_lib that defines it."
        )
    runner = {f"inside/{p.name}": p.read_bytes() for p in sorted((Path(__file__).parent / "inside").glob("*.py"))}
    content = texts | runner
    state = hashlib.sha256(repr((sys.version, packages)).encode())
    for name in sorted(content):
        state.update(f"{name}\0{len(content[name])}\0".encode() + content[name])
    digest = state.hexdigest()[:20]
    preload = ["numpy"] if any(name == "numpy" for name, _ in packages) else []
    preload += [module for name in allow for module in PRELOAD.get(name, ())]
    preload += [module for name in allow if trains for module in PRELOAD_TO_TRAIN.get(name, ())]
    edition = Edition(digest, cache / digest, packages, tuple(preload))
    if not edition.folder.is_dir():
        _build(edition, content)
    return edition


def _build(edition: Edition, content: Mapping[str, bytes]) -> None:
    """Beside its place first, then moved there, so that an interrupted build leaves nothing half done."""
    draft = edition.folder.with_name(f".{edition.digest}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    for name, data in content.items():
        path = draft / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (draft / "site").mkdir(parents=True)
    for name, place in edition.packages:
        (draft / "site" / name).symlink_to(place)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(draft / "lib", quiet=2, invalidation_mode=mode, stripdir=draft)
    for folder, _, names in os.walk(draft):
        os.chmod(folder, 0o755)
        for name in names:
            if not os.path.islink(path := os.path.join(folder, name)):
                os.chmod(path, 0o644)
    try:
        draft.rename(edition.folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not edition.folder.is_dir():
            raise


# --- course_lib without the answers -----------------------------------------------------------------------------


def _sources(course_lib: Path, allow: tuple[str, ...]) -> dict[str, Path]:
    """Source and data files by their name in the edition; never anything compiled."""
    skip = NEVER | {name for name, package in ONLY_WITH.items() if package not in allow}
    found = {}
    for path in sorted(course_lib.rglob("*")):
        inner = path.relative_to(course_lib)
        if inner.parts[0] in skip or "__pycache__" in inner.parts or not path.is_file():
            continue
        if path.suffix not in (".pyc", ".pyo", ".so"):
            found[f"course_lib/{inner.as_posix()}"] = path
    return found


def _unknown(absent: Mapping[str, str], files: Mapping[str, Path]) -> list[str]:
    unknown = []
    for name, module in absent.items():
        if module.split(".")[0] != "course_lib":
            continue  # the sandbox has no other package of ours
        stem = module.replace(".", "/")
        path = files.get(f"{stem}.py") or files.get(f"{stem}/__init__.py")
        defined = parse(path.read_text(encoding="utf-8")).body if path else []
        if not any(getattr(node, "name", None) == name for node in defined):
            unknown.append(f"{module}.{name}")
    return unknown


def _without(path: Path, name: str, absent: Mapping[str, str]) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".py" or not absent:
        return data
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    own = {function for function, place in absent.items() if place == module}
    return leave_out(data.decode("utf-8"), own, set(absent)).encode()


def leave_out(source: str, definitions: set[str], names: set[str]) -> str:
    """The module's text without these top-level definitions, and without `names` in its imports and `__all__`.

    Line by line rather than printed from the tree, so that comments and the other functions stay as they are.
    """
    lines = source.splitlines(keepends=True)
    tree = parse(source)
    changes: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name in names for alias in node.names):
            node.names = [alias for alias in node.names if alias.name not in names]
            text = ast.unparse(node) if node.names else "pass"
            changes.append((node.lineno, node.end_lineno or node.lineno, " " * node.col_offset + text + "\n"))
        elif _lists_names(node):
            node.value.elts = [e for e in node.value.elts if getattr(e, "value", None) not in names]
            changes.append((node.lineno, node.end_lineno or node.lineno, ast.unparse(node) + "\n"))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in definitions:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            changes.append((first, node.end_lineno or node.lineno, ""))
    for first, last, text in sorted(changes, reverse=True):
        lines[first - 1 : last] = [text]
    return "".join(lines)


def _lists_names(node: ast.AST) -> bool:
    """Whether this is ``__all__ = [...]``."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, (ast.List, ast.Tuple)):
        return False
    return any(getattr(target, "id", "") == "__all__" for target in node.targets)


# --- packages ---------------------------------------------------------------------------------------------------


def _packages(wanted: Iterable[str]) -> tuple[tuple[str, Path], ...]:
    """Top-level names of these distributions and of all they require, with where each lies."""
    from packaging.requirements import Requirement

    places: dict[str, Path] = {}
    done: set[str] = set()
    waiting = [(name, True) for name in wanted]
    while waiting:
        name, asked_for = waiting.pop()
        key = name.lower().replace("_", "-")
        if key in done:
            continue
        done.add(key)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if asked_for:
                raise MachineFault(
                    f'"{name}" is to be allowed in the sandbox but is not installed here; pip install {name}'
                ) from None
            continue
        for top in _tops(distribution):
            if top not in ("", "..", "__pycache__") and not top.endswith((".pth", ".egg-link")):
                places[top] = Path(str(distribution.locate_file(top))).resolve()
        for text in distribution.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append((requirement.name, False))
    return tuple(sorted((name, place) for name, place in places.items() if place.exists()))


def _tops(distribution: metadata.Distribution) -> set[str]:
    """First parts of the names of its files; "" for an absolute one. torch has 20,000: they are not made into paths."""
    record = distribution.read_text("RECORD")
    names = map(str, distribution.files or []) if record is None else record.splitlines()
    return {name.lstrip('"').replace("\\", "/").split("/", 1)[0].split(",", 1)[0] for name in names}


def absent_functions(hidden_tests: Path) -> dict[str, str]:
    """REFERENCES, and ABSENT if there is one, read from the hidden tests' text without running it."""
    if not hidden_tests.is_file():
        return {}
    found: dict[str, str] = {}
    for node in parse(hidden_tests.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("REFERENCES", "ABSENT"):
            found |= ast.literal_eval(node.value)
    return found
