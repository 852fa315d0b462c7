"""A job as the checker needs it: an ordered list of steps, made by the engine from the repaired notebook.

The checker then needs neither nbformat nor nbgrader, and what is the student's text and what the instructor's has been
settled once, from the blueprint.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..parsing import parse

if TYPE_CHECKING:
    from ..engine import Job
    from ..notebooks import Blueprint

DEFAULT_ALLOW = ("numpy",)
GRACE_SECONDS = 30  # how much longer than the submission the engine waits for its checker
LATER = ("torch", "matplotlib")  # seconds to import, and often imported only for the student


@dataclass(frozen=True)
class Step:
    """One code cell. `test` cells run in the checker, all others in the student's process."""

    index: int
    source: str
    name: str | None
    test: bool = False
    hidden: bool = False
    locked: bool = False
    answer: bool = False
    exercise: str | None = None
    untouched: bool = False


@dataclass(frozen=True)
class Plan:
    assignment: str
    root: str
    seed: int
    exercises: tuple[str, ...]
    steps: tuple[Step, ...]
    test_seconds: float
    cell_seconds: float
    submission_seconds: float
    output_bytes: int

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Plan:
        steps = tuple(Step(**step) for step in raw.pop("steps"))
        return cls(steps=steps, exercises=tuple(raw.pop("exercises")), **raw)

    def words(self) -> frozenset[str]:
        """Every word of the student's own code: names that a message may repeat."""
        return frozenset(w for s in self.steps if not s.test for w in re.findall(r"\w+", s.source))


def make_plan(job: Job) -> tuple[Plan, Blueprint]:
    # Imported here: the checker reads plans and needs none of it.
    import nbformat.v4

    from ..errors import MachineFault
    from ..notebooks import Blueprint, ends_in_expression, exercise_of, grade_id

    nb = nbformat.v4.reads(job.notebook)  # without validation, which costs more than the rest
    blueprint = Blueprint.from_notebook(job.assignment, nb)
    steps = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        spec = blueprint.by_id.get(grade_id(cell) or "")
        if spec is None:
            steps.append(Step(index, cell.source, None))
            continue
        if spec.is_test and ends_in_expression(spec.source):
            raise MachineFault(
                f'the test cell "{spec.grade_id}" ends in an expression, which is no verdict; the source must be mended'
            )
        owner = exercise_of(spec.grade_id, blueprint.exercises) if spec.is_test else None
        steps.append(
            Step(
                index,
                spec.source,
                spec.grade_id,
                test=spec.is_test,
                hidden=spec.is_hidden,
                locked=spec.locked and not spec.is_test,
                answer=spec.is_answer,
                exercise=owner or (spec.grade_id if spec.is_test else None),
                untouched=spec.is_answer and _is_untouched(cell),
            )
        )
    limits = job.limits
    plan = Plan(
        job.assignment,
        job.root,
        job.seed,
        tuple(blueprint.exercises),
        tuple(steps),
        limits.test_seconds,
        limits.cell_seconds,
        limits.submission_seconds,
        limits.output_bytes,
    )
    return plan, blueprint


def _is_untouched(cell: Any) -> bool:
    from nbgrader.utils import compute_checksum

    return cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)


def allowed_packages(root: Path, assignment: str) -> tuple[str, ...]:
    """`course.allow` in the metadata of the instructor's notebook; a student's copy is not asked."""
    for path in places_of(root, assignment):
        if path.is_file():
            raw = json.loads(path.read_text(encoding="utf-8"))
            allow = raw.get("metadata", {}).get("course", {}).get("allow", list(DEFAULT_ALLOW))
            return tuple(map(str, allow))
    return DEFAULT_ALLOW


def places_of(root: Path, assignment: str) -> tuple[Path, ...]:
    """Where the instructor's notebook may be: its source, or where that is kept elsewhere, its release."""
    return tuple(root / folder / assignment / f"{assignment}.ipynb" for folder in ("solutions", "assignments"))


def trains_networks(root: Path, assignment: str) -> bool:
    """Whether the instructor's texts speak of optimisers or compiled modules, which make torch load much more.

    A wrong guess costs time, two seconds a submission or three at the start, and never a score.
    """
    places = (places_of(root, assignment)[0], hidden_tests_of(root, assignment))
    texts = [place.read_text(encoding="utf-8") for place in places if place.is_file()]
    return any(re.search(r"\boptim\b|torch\.compile|trusted\.drive", text) for text in texts)


def hidden_tests_of(root: Path, assignment: str) -> Path:
    return root / "tests" / "hidden" / f"{assignment.replace('-', '_')}.py"


def preload_of(root: Path, assignment: str) -> set[str]:
    """Modules that every checker would otherwise import anew: what locked cells import.

    The slow ones (`LATER`) only if a test names them; else a checker loads them when it meets the need.
    """
    path = root / "solutions" / assignment / f"{assignment}.ipynb"
    raw = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    hidden = hidden_tests_of(root, assignment)
    tests = hidden.read_text(encoding="utf-8") if hidden.is_file() else ""
    found: set[str] = set()
    for cell in raw.get("cells", []):
        role = cell.get("metadata", {}).get("nbgrader", {})
        if cell.get("cell_type") != "code" or not role.get("locked"):
            continue
        source = "".join(cell.get("source", ""))
        if role.get("grade"):
            tests += source
            continue
        with contextlib.suppress(SyntaxError):
            for node in ast.walk(parse(source)):
                if isinstance(node, ast.Import):
                    found.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module)
    return {name for name in found if (top := name.split(".")[0]) not in LATER or re.search(rf"\b{top}\b", tests)}
