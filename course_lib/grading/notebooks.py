"""Reading and writing notebooks, telling cells apart, and the blueprint of an assignment."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from .parsing import parse
from .trusted.cells import UNREADABLE
from .trusted.inside.wire import clean

BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"

# Widgets and plots nest some twenty levels; far more would break the writing of what was read.
MAX_DEPTH = 100

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class UnreadableNotebook(ValueError):
    """The bytes are not a notebook; the message says why, in words for the person who saved them."""


def read_notebook(path: Path) -> NotebookNode:
    return parse_notebook(path.read_bytes(), path.name)


def parse_notebook(data: bytes, name: str) -> NotebookNode:
    """Bytes to a format-4 notebook whose cells have text sources and dictionaries for metadata."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableNotebook(f"{name} is not text in UTF-8 ({error.reason} at byte {error.start})") from error
    too_deep = f"{name} cannot be read as a notebook: it is nested more than {MAX_DEPTH} levels deep"
    try:
        raw = json.loads(text)
    except RecursionError as error:
        raise UnreadableNotebook(too_deep) from error
    except ValueError as error:
        raise UnreadableNotebook(f"{name} is not a notebook: its JSON is broken ({error})") from error
    if not isinstance(raw, dict) or "nbformat" not in raw:
        raise UnreadableNotebook(f"{name} is not a notebook: it has no nbformat entry")
    try:
        nb = nbformat.convert(nbformat.from_dict(raw), 4)
        return settle(nb)
    except (RecursionError, UnreadableNotebook) as error:
        raise UnreadableNotebook(too_deep) from error
    except Exception as error:  # nbformat raises whatever the malformed part happens to cause
        raise UnreadableNotebook(f"{name} cannot be read as a notebook ({type(error).__name__})") from error


def settle(nb: NotebookNode) -> NotebookNode:
    """Make every cell safe to look at and to write down: students' files hold anything."""
    mended = _writable(nb)
    nb.clear()
    nb.update(mended)
    cells = []
    for cell in nb.get("cells", []) if isinstance(nb.get("cells"), list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            continue
        source = cell.get("source", "")
        cell["source"] = "".join(map(str, source)) if isinstance(source, list) else str(source)
        cell["source"] = cell["source"].replace("\r\n", "\n").replace("\r", "\n")
        if not isinstance(cell.get("metadata"), dict):
            cell["metadata"] = NotebookNode()
        if cell["cell_type"] == "code":
            cell["outputs"] = cell["outputs"] if isinstance(cell.get("outputs"), list) else []
            cell.setdefault("execution_count", None)
        if "attachments" in cell and not _are_attachments(cell["attachments"]):
            del cell["attachments"]
        cells.append(cell)
    nb["cells"] = cells
    if not isinstance(nb.get("metadata"), dict):
        nb["metadata"] = NotebookNode()
    return nb


def _writable(value: Any, depth: int = 0) -> Any:
    """The same without lone surrogates, in keys and in values."""
    if depth > MAX_DEPTH:
        raise UnreadableNotebook(f"the notebook is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return NotebookNode({clean(str(key)): _writable(inner, depth + 1) for key, inner in value.items()})
    if isinstance(value, list):
        return [_writable(inner, depth + 1) for inner in value]
    return value


def _are_attachments(value: Any) -> bool:
    """Pictures of a text by name, each by kind; nbformat reads and writes nothing else."""
    return isinstance(value, dict) and all(isinstance(kinds, dict) for kinds in value.values())


def dump_notebook(nb: NotebookNode) -> str:
    """The same notebook always gives the same text, as nbformat's own writer lays it out."""
    return nbformat.writes(nb, version=4).rstrip("\n") + "\n"


def write_notebook(nb: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_notebook(nb), encoding="utf-8")


def normalise(nb: NotebookNode) -> NotebookNode:
    """Drop outputs and counts, name cells after their grade ids, keep only metadata that mean something."""
    taken: set[str] = set()
    for number, cell in enumerate(nb.cells):
        stem = re.sub(r"[^a-zA-Z0-9_-]", "-", grade_id(cell) or f"cell-{number:03d}")[:60]
        cell["id"] = stem if stem not in taken else f"{stem}-{number}"[:64]
        taken.add(cell["id"])
        keep = {k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags", "deletable", "editable")}
        cell.metadata = NotebookNode(keep)
        cell.pop("attachments", None) if cell.cell_type == "code" else None
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    course = nb.metadata.get("course")
    nb.metadata = NotebookNode(kernelspec=dict(KERNELSPEC), language_info={"name": "python"})
    if course:
        nb.metadata["course"] = course
    nb.nbformat, nb.nbformat_minor = 4, 5
    return nb


def nbgrader_of(cell: NotebookNode) -> dict[str, Any]:
    meta = cell.get("metadata", {}).get("nbgrader")
    return meta if isinstance(meta, dict) else {}


def grade_id(cell: NotebookNode) -> str | None:
    name = nbgrader_of(cell).get("grade_id")
    return name if isinstance(name, str) and name else None


def is_test(cell: NotebookNode) -> bool:
    meta = nbgrader_of(cell)
    return cell.cell_type == "code" and bool(meta.get("grade")) and not meta.get("solution")


def is_answer(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(nbgrader_of(cell).get("solution"))


def is_written(cell: NotebookNode) -> bool:
    meta = nbgrader_of(cell)
    return cell.cell_type == "markdown" and bool(meta.get("grade"))


def defined_names(source: str) -> list[str]:
    """Functions and classes defined at the left margin, also where the code does not parse."""
    try:
        tree = parse(source)
    except UNREADABLE:
        return re.findall(r"^(?:async\s+def|def|class)\s+(\w+)", source, flags=re.MULTILINE)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in tree.body if isinstance(node, kinds)]


@lru_cache(maxsize=1024)  # a class has the same test cells over and over
def ends_in_expression(source: str) -> str | None:
    """The last line's text if it is a bare expression, which nbgrader would take for a score."""
    body = parse(source).body
    return ast.get_source_segment(source, body[-1]) if body and isinstance(body[-1], ast.Expr) else None


@dataclass(frozen=True)
class BlueprintCell:
    """What one cell must be, whatever a student made of it."""

    grade_id: str
    cell_type: str
    source: str
    grade: bool
    solution: bool
    locked: bool
    task: bool
    points: float | None
    checksum: str | None

    @property
    def is_test(self) -> bool:
        return self.cell_type == "code" and self.grade and not self.solution

    @property
    def is_answer(self) -> bool:
        return self.cell_type == "code" and self.solution

    @property
    def is_written(self) -> bool:
        return self.cell_type == "markdown" and self.grade

    @property
    def is_hidden(self) -> bool:
        return self.is_test and (self.grade_id.endswith("-hidden") or BEGIN_HIDDEN in self.source)

    def metadata(self) -> NotebookNode:
        meta = NotebookNode(
            schema_version=3,
            grade_id=self.grade_id,
            grade=self.grade,
            solution=self.solution,
            locked=self.locked,
            task=self.task,
            cell_type=self.cell_type,
        )
        if self.checksum is not None:
            meta["checksum"] = self.checksum
        if self.points is not None:
            meta["points"] = self.points
        return meta


@dataclass(frozen=True)
class Exercise:
    """One function to write, and the test cells that judge it."""

    name: str
    tests: tuple[BlueprintCell, ...]

    @property
    def points(self) -> float:
        return sum(test.points or 0.0 for test in self.tests)


@dataclass(frozen=True)
class Blueprint:
    """The cells of an assignment in their order: the authority on what a submission must hold."""

    assignment: str
    cells: tuple[BlueprintCell, ...]

    @cached_property
    def by_id(self) -> dict[str, BlueprintCell]:
        return {cell.grade_id: cell for cell in self.cells}

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        answers = [cell.grade_id for cell in self.cells if cell.is_answer]
        tests: dict[str, list[BlueprintCell]] = {name: [] for name in answers}
        for cell in self.cells:
            owner = exercise_of(cell.grade_id, answers) if cell.is_test else None
            if owner:
                tests[owner].append(cell)
        return {name: Exercise(name, tuple(cells)) for name, cells in tests.items()}

    @property
    def written(self) -> tuple[BlueprintCell, ...]:
        return tuple(cell for cell in self.cells if cell.is_written)

    @property
    def points(self) -> float:
        return sum(cell.points or 0.0 for cell in self.cells)

    @classmethod
    def from_notebook(cls, assignment: str, nb: NotebookNode) -> Blueprint:
        """From a source or release notebook, whose metadata are the instructor's."""
        cells = []
        for cell in nb.cells:
            meta = nbgrader_of(cell)
            if not grade_id(cell):
                continue
            cells.append(
                BlueprintCell(
                    grade_id=meta["grade_id"],
                    cell_type=cell.cell_type,
                    source=cell.source,
                    grade=bool(meta.get("grade")),
                    solution=bool(meta.get("solution")),
                    locked=bool(meta.get("locked")) and not meta.get("solution"),
                    task=bool(meta.get("task")),
                    points=float(meta["points"]) if meta.get("grade") else None,
                    checksum=meta.get("checksum"),
                )
            )
        return cls(assignment, tuple(cells))


def exercise_of(test_id: str, exercises: Iterable[str]) -> str | None:
    """The exercise a test cell judges: `rnn_step-hidden` belongs to `rnn_step`."""
    owners = [name for name in exercises if test_id == name or test_id.startswith(name + "-")]
    return max(owners, key=len, default=None)
