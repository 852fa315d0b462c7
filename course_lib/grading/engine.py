"""The seam between the course and whatever runs student code: a :class:`Job` in, a :class:`Result` out.

An engine executes one repaired submission and judges its test cells. It must never raise for what a student's
code does; what goes wrong on our side is a :attr:`Result.fault`, and then no score may be given. Jobs and results
are plain data (``to_json``, ``from_json``), so that an engine may live in another process or on another machine.

:class:`KernelEngine` runs student code and tests together in one Jupyter kernel on this machine. It contains
accidents (loops, crashes, floods of output), not attacks: nothing isolates the code from your files or network.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from .errors import MachineFault
from .kernel import Kernel, Outcome, running_kernel
from .notebooks import Blueprint, BlueprintCell, ends_in_expression, exercise_of, grade_id, is_answer

TEST_FAULT = "SourceFault"


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Limits:
    """Wall-clock seconds per test, per other cell and per submission; bytes of output kept per cell."""

    test_seconds: float = 10.0
    cell_seconds: float = 60.0
    submission_seconds: float = 240.0
    output_bytes: int = 256 * 1024


@dataclass(frozen=True)
class Job:
    """All that a verdict may depend on, besides the course's own code under `root`."""

    assignment: str
    student: str
    notebook: str
    root: str
    seed: int
    limits: Limits = Limits()
    unusable: str | None = None

    @classmethod
    def make(
        cls, assignment: str, student: str, notebook: NotebookNode, root: Path, limits: Limits, unusable: str | None
    ) -> Job:
        seed = seed_for(assignment, student)
        return cls(assignment, student, nbformat.writes(notebook), str(root), seed, limits, unusable)


@dataclass
class TestVerdict:
    """The verdict on one test cell, and the message for the student when it is not `passed`."""

    __test__ = False  # not a pytest class

    verdict: Verdict
    message: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED


@dataclass
class Result:
    """What an engine found. With a `fault` there are no verdicts to trust, and nobody gets a score."""

    engine: str
    seed: int
    tests: dict[str, TestVerdict] = field(default_factory=dict)
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    fault: str | None = None
    seconds: float = 0.0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        raw = json.loads(text)
        raw["tests"] = {k: TestVerdict(Verdict(v["verdict"]), v["message"]) for k, v in raw["tests"].items()}
        raw["outputs"] = {int(k): v for k, v in raw["outputs"].items()}
        return cls(**raw)


class Engine(Protocol):
    """`name` is recorded with every result; `promise` is printed before any student's code runs."""

    name: str
    promise: str

    def run(self, job: Job) -> Result: ...


def seed_for(assignment: str, student: str) -> int:
    """The same student gets the same hidden inputs at every regrade, and not those of a neighbour."""
    return int.from_bytes(hashlib.sha256(f"{assignment}\0{student}".encode()).digest()[:4], "big")


class KernelEngine:
    """Student code and tests in one Jupyter kernel, as nbgrader does it, without nbgrader's traps.

    A test cell earns its points if the kernel reports that it ended without an error: neither warnings, prints nor
    a displayed value count. A crash or a loop costs the exercise it happens in; the kernel is replaced, the student's
    other cells are run again, and the remaining tests go on.
    """

    name = "kernel"
    promise = (
        "Student code runs in ordinary processes on this machine WITHOUT isolation: it can read your files and use "
        "the network. Grade only work you trust, or do it on a machine you can lose."
    )

    def __init__(self) -> None:
        self.stop = threading.Event()

    def run(self, job: Job) -> Result:
        began = time.monotonic()
        result = Result(self.name, job.seed)
        nb = nbformat.reads(job.notebook, as_version=4)
        run = _Run(nb, job, result, self.stop)
        try:
            if job.unusable is not None:
                run.refuse_all(job.unusable)
            else:
                with running_kernel(Path(job.root), job.seed, job.limits.output_bytes) as kernel:
                    run.all_cells(kernel)
        except MachineFault as error:
            result.fault = str(error)
        except Exception as error:
            # Whatever broke here is ours, and a guess at a score would be worse than none.
            result.fault = f"the grader failed with {type(error).__name__}: {error}"
        result.seconds = round(time.monotonic() - began, 3)
        return result


class _Run:
    """One pass over a notebook's code cells."""

    def __init__(self, nb: NotebookNode, job: Job, result: Result, stop: threading.Event) -> None:
        self.nb, self.job, self.result, self.stop = nb, job, result, stop
        self.blueprint = Blueprint.from_notebook(job.assignment, nb)
        self.deadline = time.monotonic() + job.limits.submission_seconds
        self.replay: list[str] = []
        self.broken_answers: dict[str, str] = {}
        self.hopeless: dict[str, str] = {}

    def refuse_all(self, reason: str) -> None:
        for spec in self.blueprint.cells:
            if spec.is_test:
                self.result.tests[spec.grade_id] = TestVerdict(Verdict.NOT_RUN, reason)
        self.result.remarks.append(reason)

    def all_cells(self, kernel: Kernel) -> None:
        for index, cell in enumerate(self.nb.cells):
            if self.stop.is_set():
                raise MachineFault("grading was interrupted")
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            spec = self.blueprint.by_id.get(grade_id(cell) or "")
            if spec is not None and spec.is_test:
                self.result.tests[spec.grade_id] = self._judge(kernel, spec)
            else:
                self._student_cell(kernel, index, cell)

    def _student_cell(self, kernel: Kernel, index: int, cell: NotebookNode) -> None:
        seconds = self._seconds(self.job.limits.cell_seconds)
        spec = self.blueprint.by_id.get(grade_id(cell) or "")
        if self.hopeless and spec is not None and spec.locked:
            # The closing experiment calls the student's functions, and one of them is known to hang or crash.
            named = [name for name in self.hopeless if re.search(rf"\b{name}\b", cell.source)]
            if named:
                self._note(f'"{spec.grade_id}" was not run, since {self.hopeless[named[0]]}', [])
                return
            seconds = min(seconds, self.job.limits.test_seconds)
        if seconds <= 0:
            self.result.remarks.append(f"cell {index + 1} was not run: {self._used_up()}")
            return
        outcome = kernel.run(cell.source, seconds)
        label = f'"{spec.grade_id}"' if spec else f"your cell number {index + 1}"
        outputs = outcome.outputs
        if outcome.status in ("ok", "error"):
            self.replay.append(cell.source)
        elif outcome.status == "timeout":
            self._note(f"{label} was stopped after {seconds:.0f} s: is there a loop that never ends?", outputs)
        else:
            self._note(f"{label} {_death(outcome, seconds)}; it was left out", outputs)
            self._revive(kernel)
        if is_answer(cell) and outcome.status != "ok":
            self.broken_answers[grade_id(cell) or ""] = _why_broken(outcome, seconds)
        self.result.outputs[index] = [dict(output) for output in outputs]

    def _judge(self, kernel: Kernel, spec: BlueprintCell) -> TestVerdict:
        if ends_in_expression(spec.source):
            raise MachineFault(
                f'the test cell "{spec.grade_id}" ends in an expression, which is no verdict; the source must be mended'
            )
        exercise = exercise_of(spec.grade_id, self.blueprint.exercises) or spec.grade_id
        if exercise in self.hopeless:
            return TestVerdict(Verdict.NOT_RUN, f"not run, since {self.hopeless[exercise]}")
        seconds = self._seconds(self.job.limits.test_seconds)
        if seconds <= 0:
            return TestVerdict(Verdict.NOT_RUN, f"not run: {self._used_up()}")
        outcome = kernel.run(spec.source, seconds)
        if outcome.status == "ok":
            return TestVerdict(Verdict.PASSED)
        if outcome.status == "error":
            _refuse_our_own_faults(outcome, spec)
            return TestVerdict(Verdict.FAILED, self._message(exercise, spec, outcome))
        if outcome.status == "dead":
            reason = f"{exercise} {_death(outcome, seconds)} when it was tested"
            self._revive(kernel)
        else:
            reason = f"{exercise} was still running after {seconds:.0f} s: is there a loop that never ends?"
        self.hopeless[exercise] = reason
        return TestVerdict(Verdict.FAILED, reason)

    def _message(self, exercise: str, spec: BlueprintCell, outcome: Outcome) -> str:
        if self._is_untouched(exercise):
            return "not started: the answer cell is as it was handed out"
        if exercise in self.broken_answers:
            return f"{exercise} is not defined, because its cell {self.broken_answers[exercise]}"
        text = outcome.evalue.strip()
        if outcome.ename == "AssertionError":
            return text or _failed_line(spec)
        if outcome.ename == "SystemExit":
            return f"{exercise} called exit(): it should return a value"
        if outcome.ename == "NotImplementedError":
            return f"{exercise} is not written yet: it raises NotImplementedError"
        return f"{outcome.ename}: {text}" if text else outcome.ename

    def _is_untouched(self, exercise: str) -> bool:
        from nbgrader.utils import compute_checksum

        cell = next((c for c in self.nb.cells if grade_id(c) == exercise), None)
        return cell is not None and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)

    def _revive(self, kernel: Kernel) -> None:
        """A fresh kernel with the student's earlier cells run again, without those that would kill it anew."""
        kernel.restart()
        for source in list(self.replay):
            seconds = self._seconds(self.job.limits.cell_seconds)
            if seconds <= 0:
                return
            if kernel.run(source, seconds).status == "dead":
                self.replay.remove(source)
                return self._revive(kernel)
        return None

    def _seconds(self, limit: float) -> float:
        return min(limit, self.deadline - time.monotonic())

    def _used_up(self) -> str:
        return f"the notebook had used up its {self.job.limits.submission_seconds:.0f} s"

    def _note(self, remark: str, outputs: list[NotebookNode]) -> None:
        self.result.remarks.append(remark)
        outputs.append(new_output("error", ename="Stopped", evalue=remark, traceback=[remark]))


def _refuse_our_own_faults(outcome: Outcome, spec: BlueprintCell) -> None:
    lost_tests = outcome.ename in ("ImportError", "ModuleNotFoundError") and re.search(r"\btests\b", outcome.evalue)
    if outcome.ename == TEST_FAULT or lost_tests:
        raise MachineFault(f'the test cell "{spec.grade_id}" could not judge: {outcome.evalue}')


def _death(outcome: Outcome, seconds: float) -> str:
    if outcome.ename == "Timeout":
        return f"was still running after {seconds:.0f} s and could not be interrupted"
    return "ended the Python process (os._exit, a crash, or too much memory)"


def _why_broken(outcome: Outcome, seconds: float) -> str:
    if outcome.status == "error":
        return f"raised {outcome.ename}: {outcome.evalue}".rstrip(": ")
    return f"was still running after {seconds:.0f} s" if outcome.status == "timeout" else _death(outcome, seconds)


def _failed_line(spec: BlueprintCell) -> str:
    return "a hidden test failed" if spec.is_hidden else "an assertion without a message failed; run the cell to see it"


def apply(result: Result, nb: NotebookNode) -> NotebookNode:
    """Write a result into its notebook, so that nbgrader's own SaveAutoGrades records exactly these verdicts."""
    count = 0
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        name = grade_id(cell)
        if name in result.tests:
            cell.outputs = _outputs_of(result.tests[name])
        else:
            cell.outputs = [nbformat.from_dict(output) for output in result.outputs.get(index, [])]
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    nb.metadata["course"] = nbformat.from_dict(
        {
            "engine": result.engine,
            "seed": result.seed,
            "seconds": result.seconds,
            "remarks": result.remarks,
            "tests": {k: {"verdict": str(v.verdict), "message": v.message} for k, v in result.tests.items()},
        }
    )
    return nb


def _outputs_of(test: TestVerdict) -> list[NotebookNode]:
    if test.passed:
        return []
    ename = "TestFailed" if test.verdict is Verdict.FAILED else "TestNotRun"
    return [new_output("error", ename=ename, evalue=test.message, traceback=[test.message])]
