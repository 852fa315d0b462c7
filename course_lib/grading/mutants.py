"""How good the hidden tests are: which wrong answers they reject, machine-made ones included, and which right ones.

Only hidden tests count. An answer counts as rejected if it is rejected for every seed tried, since one student
gets one seed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from .course import Course
from .errors import CourseError

NEEDED = 0.95
SECONDS = 5.0


@dataclass
class Survivor:
    """A mutant that the hidden tests accept for at least one seed; `why` explains it if it is no mistake."""

    id: str
    before: str
    after: str
    why: str | None = None


@dataclass
class Tally:
    """The count for one exercise."""

    exercise: str
    named: int = 0
    named_killed: int = 0
    mutants: int = 0
    mutants_killed: int = 0
    right: int = 0
    right_accepted: int = 0
    survivors: list[Survivor] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def equivalent(self) -> int:
        return sum(s.why is not None for s in self.survivors)

    @property
    def unexplained(self) -> list[Survivor]:
        return [s for s in self.survivors if s.why is None]

    @property
    def rate(self) -> float:
        """Killed among the mutants that are mistakes."""
        real = self.mutants - self.equivalent
        return self.mutants_killed / real if real else 1.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"equivalent": self.equivalent, "rate": round(self.rate, 4)}


def good_enough(tallies: list[Tally]) -> bool:
    """All named wrong answers and 95 % of the real mutants rejected, no right answer rejected, nothing unexplained."""
    return all(
        t.named_killed == t.named
        and t.rate >= NEEDED
        and t.right_accepted == t.right
        and not t.unexplained
        and not t.complaints
        for t in tallies
    )


def measure(
    course: Course,
    assignment: str,
    *,
    exercises: list[str] | None = None,
    seeds: tuple[int, ...] = (1, 2, 3),
    seconds: float = SECONDS,
    on_answer: Callable[[str], None] = lambda name: None,
) -> list[Tally]:
    """Judge the references, all kept answers and all mutants of an assignment by its hidden tests."""
    equivalent = _equivalent(course, assignment)
    tallies: dict[str, Tally] = {}
    met: set[str] = set()
    for record in _records(course, assignment, exercises, seeds, seconds, on_answer):
        tally = tallies.setdefault(record["exercise"], Tally(record["exercise"]))
        met.add(record["name"])
        _count(tally, record, equivalent.get(record["exercise"], {}))
    for exercise, reasons in equivalent.items():
        for mutant in reasons:
            if exercise in tallies and mutant not in met:
                tallies[exercise].complaints.append(f'EQUIVALENT names "{mutant}", which does not exist any more')
    if not tallies:
        raise CourseError(f"{assignment} has no exercise called {', '.join(exercises or [])} in REFERENCES.")
    return list(tallies.values())


def _count(tally: Tally, record: dict[str, Any], reasons: dict[str, str]) -> None:
    messages, kind = record["messages"], record["kind"]
    killed = all(message is not None for message in messages)
    if kind == "reference":
        for message in filter(None, messages):
            tally.complaints.append(f"the reference is rejected: {message}")
    elif kind == "right":
        accepted = not any(messages)
        tally.right += 1
        tally.right_accepted += accepted
        if not accepted:
            said = next(filter(None, messages))
            tally.complaints.append(f'the right answer "{record["answer"]}" is rejected: {said}')
    elif kind == "wrong":
        tally.named += 1
        tally.named_killed += killed
        if not killed:
            tally.complaints.append(f'the wrong answer "{record["answer"]}" is accepted')
        elif not all(record["says"].lower() in message.lower() for message in messages):
            said = next(m for m in messages if record["says"].lower() not in m.lower())
            tally.complaints.append(f'"{record["answer"]}" should be told about "{record["says"]}", but hears: {said}')
    else:
        tally.mutants += 1
        tally.mutants_killed += killed
        if not killed:
            why = reasons.get(record["name"])
            tally.survivors.append(Survivor(record["name"], record["before"], record["after"], why))
        elif record["name"] in reasons:
            tally.complaints.append(f'EQUIVALENT excuses "{record["name"]}", which the tests reject')


def _records(
    course: Course,
    assignment: str,
    exercises: list[str] | None,
    seeds: tuple[int, ...],
    seconds: float,
    on_answer: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Run the worker until it has been through everything; an answer that hangs it beyond its alarm is killed."""
    records: list[dict[str, Any]] = []
    done: list[str] = []
    while True:
        order = {"seeds": list(seeds), "seconds": seconds, "skip": done, "exercises": exercises}
        with _worker(course, assignment, order) as worker:
            started: dict[str, Any] | None = None
            for line in _lines(worker, seconds * (len(seeds) + 1) + 60):
                message = json.loads(line)
                if "end" in message:
                    return records
                if "start" in message:
                    started = message
                    continue
                records.append(message)
                done.append(message["name"])
                started = None
                on_answer(message["name"])
            worker.kill()
            error = worker.stderr.read().decode(errors="replace") if worker.stderr else ""
        if started is None:
            last = error.strip().splitlines()[-1] if error.strip() else "no message"
            raise CourseError(f"{assignment}: its hidden tests or kept answers cannot be loaded: {last}")
        # Loops in compiled code ignore the alarm, and a crash takes the worker along: both reject the answer.
        if started["kind"] in ("reference", "right"):
            raise CourseError(f"{assignment}: the {started['start']} hangs or crashes Python.")
        done.append(started["start"])
        records.append(started | {"name": started["start"], "messages": ["it hangs or crashes Python"] * len(seeds)})
        on_answer(started["start"])


def _worker(course: Course, assignment: str, order: dict[str, Any]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(course.root), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "course_lib.grading.mutant_worker", assignment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=course.root,
        env=environment | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(order).encode())
    worker.stdin.close()
    return worker


def _lines(worker: subprocess.Popen[bytes], patience: float) -> Any:
    """The worker's lines; ends when it ends, or when it has been silent for `patience` seconds."""
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        assert worker.stdout is not None
        for line in worker.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            return
        if line is None:
            return
        yield line


def _equivalent(course: Course, assignment: str) -> dict[str, dict[str, str]]:
    """EQUIVALENT of the assignment's kept answers, read in a process of its own like everything else of theirs."""
    code = "import json, sys; from tests.wrong_answers import equivalent; print(json.dumps(equivalent(sys.argv[1])))"
    run = subprocess.run(
        [sys.executable, "-c", code, assignment],
        capture_output=True,
        text=True,
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(course.root), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "no message"
        raise CourseError(f"{assignment}: its kept answers cannot be loaded: {last}")
    return json.loads(run.stdout)
