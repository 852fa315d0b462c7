"""The trusted process of one submission: it holds the tests, drives the student's process, and judges.

First all of the student's cells run, in order, with the visible tests where they stand; then, when everything that
the student will ever see of the outputs has been collected and no cell will run again, the hidden tests. Each test
meets the student's process as it was at the test's place (a snapshot). So whatever a hidden test sends can be kept,
copied and printed by the student's code, and still reach nobody.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import math
import os
import random
import re
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np

from .cells import free_names, only_defines
from .inside import wire
from .later import run_imports
from .messages import hidden_message, visible_message
from .plan import GRACE_SECONDS, Plan, Step
from .proxies import CannotCross, Link, StudentError
from .student import Launch, SandboxFault, Student, StudentGone, Walls

KEPT_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml")
TESTS_SHARE = 0.25  # of a submission's time, kept for the hidden tests that come last
MEMORY_BYTES = 4 << 30
FILE = "<test>"


class CheckerFault(Exception):
    """The grader or the instructor's tests failed: no score may be given."""


class OutOfTime(BaseException):
    """The test itself ran too long, on whatever the student's code gave it."""


class Namespace(dict):
    """Globals of the test cells: the tests' own names first, then Python's, then the student's."""

    def __init__(self, exercises: tuple[str, ...]) -> None:
        super().__init__(__builtins__=builtins, __name__="__main__")
        self.exercises = exercises
        self.link: Link | None = None

    def __missing__(self, name: str) -> Any:
        if self.link is None or (hasattr(builtins, name) and name not in self.exercises):
            raise KeyError(name)
        return self.link.get(name)


class Checker:
    """One pass over a plan; `run` returns what the engine makes a Result of."""

    def __init__(self, plan: Plan, launch: Launch) -> None:
        self.plan, self.launch = plan, launch
        now = time.monotonic()
        self.end = now + plan.submission_seconds
        self.cells_end = now + plan.submission_seconds * (1 - TESTS_SHARE)
        self.words = plan.words()
        self.namespace = Namespace(plan.exercises)
        self.links: dict[int, Link] = {}
        self.places: dict[int, int] = {}  # a test's index to its snapshot
        self.tests: dict[str, tuple[str, str]] = {}
        self.outputs: dict[int, list[dict[str, Any]]] = {}
        self.remarks: list[str] = []
        self.broken: dict[str, str] = {}
        self.hopeless: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        self.student = Student(self.launch, self.end)
        waiting: list[Step] = []
        ran: list[str] = []
        try:
            for step in self.plan.steps:
                if step.test:
                    waiting.append(step)
                    continue
                if waiting and (step.locked or not only_defines(step.source, ran + [s.source for s in waiting])):
                    self._visit(waiting)
                ran.append(step.source)
                self._cell(step)
            self._visit(waiting)
            self.student.finish_cells()
            for step in self.plan.steps:
                if step.test and step.hidden:
                    self._judge(step)
        finally:
            self.student.close()
        return {"tests": self.tests, "outputs": self.outputs, "remarks": self.remarks}

    # --- the student's cells

    def _cell(self, step: Step) -> None:
        if step.locked and self._is_ours(step):
            self._run_here(step)
        seconds = min(self.plan.cell_seconds, self.cells_end - time.monotonic())
        label = f'"{step.name}"' if step.name else f"your cell number {step.index + 1}"
        if self.hopeless and step.locked:
            # The closing experiment calls the student's functions, and one of them is known to hang or crash.
            named = [name for name in self.hopeless if re.search(rf"\b{name}\b", step.source)]
            if named:
                self._note(step, f"{label} was not run, since {self.hopeless[named[0]]}", [])
                return
        if seconds <= 0:
            self.remarks.append(f"cell {step.index + 1} was not run: {self._used_up()}")
            if step.answer and step.name:
                self.broken[step.name] = "was not run"
            return
        outputs: list[dict[str, Any]] = []
        try:
            cell = self._run_cell(step.source, seconds)
        except StudentGone as gone:
            why = gone.reason
            self._note(step, f"{label} {why}; it was left out", outputs)
        else:
            why = self._why(cell, seconds)
            outputs += clean_outputs(cell.get("outputs"), self.plan.output_bytes)
            if cell.get("status") == "interrupted":
                self._note(
                    step, f"{label} was stopped after {seconds:.0f} s: is there a loop that never ends?", outputs
                )
        self.outputs[step.index] = outputs
        if step.answer and step.name:
            self.namespace.pop(step.name, None)
            if why:
                self.broken[step.name] = why

    def _run_cell(self, source: str, seconds: float) -> dict[str, Any]:
        try:
            return self.student.run_cell(source, seconds, self.plan.output_bytes)
        except StudentGone as gone:
            if not (gone.died and self.tests):
                raise
            # What a test called earlier may have killed this process; alone in another, the cell answers for itself.
            return self.student.run_cell(source, seconds, self.plan.output_bytes)

    @staticmethod
    def _why(cell: dict[str, Any], seconds: float) -> str:
        if cell.get("status") == "ok":
            return ""
        if cell.get("status") == "interrupted":
            return f"was still running after {seconds:.0f} s"
        name, value = (wire.clean(str(cell.get(key, "")))[:500] for key in ("ename", "evalue"))
        return f"raised {name}: {value}".rstrip(": ")

    def _is_ours(self, step: Step) -> bool:
        """Whether a locked cell needs nothing of the student's: then the tests get its names from here."""
        return all(name in self.namespace or hasattr(builtins, name) for name in free_names(step.source))

    def _run_here(self, step: Step) -> None:
        try:
            with _quiet():
                run_imports(step.source, FILE, self.namespace)
        except Exception as error:
            raise CheckerFault(f'the cell "{step.name}" failed in the grader: {_say(error)}') from error

    def _note(self, step: Step, remark: str, outputs: list[dict[str, Any]]) -> None:
        self.remarks.append(remark)
        outputs.append({"output_type": "error", "ename": "Stopped", "evalue": remark, "traceback": [remark]})
        self.outputs[step.index] = outputs

    # --- tests

    def _visit(self, waiting: list[Step]) -> None:
        """Take a snapshot for the tests that stand here, and run those whose results later cells may depend on."""
        for step in waiting:
            self._mark(step)
        for step in waiting:
            if not step.hidden:
                self._judge(step)
        waiting.clear()

    def _mark(self, step: Step) -> None:
        for last in (False, True):
            try:
                self.places[step.index] = self.student.mark()
                return
            except StudentGone as gone:
                if last or not gone.died:
                    self._give_up(step, gone.reason)
                    return

    def _give_up(self, step: Step, reason: str) -> None:
        exercise = step.exercise or ""
        self.hopeless.setdefault(exercise, f"{exercise} could not be tested: the notebook {reason}")

    def _judge(self, step: Step) -> None:
        name, exercise = step.name or "", step.exercise or ""
        if exercise in self.hopeless:
            self.tests[name] = "not run", f"not run, since {self.hopeless[exercise]}"
            return
        if self._tried(step, again=True):
            self._tried(step, again=False)

    def _tried(self, step: Step, *, again: bool) -> bool:
        """Run one test; True if it may be run `again` in a process of its own, since the first one died.

        Another function of the student's may have killed that one, and a slip costs only its own exercise.
        """
        name, exercise = step.name or "", step.exercise or ""
        seconds = min(self.plan.test_seconds, self.end - time.monotonic())
        if seconds <= 0:
            self.tests[name] = "not run", f"not run: {self._used_up()}"
            return False
        try:
            link = self._link(step)
        except StudentGone as gone:
            if gone.died and again:
                return True
            self._give_up(step, gone.reason)
            self.tests[name] = "failed", self.hopeless[exercise]
            return False
        link.begin(seconds, step.hidden)
        self.namespace.link = link
        error = self._execute(step, seconds)
        gone = link.gone or (error if isinstance(error, StudentGone) else None)
        if gone is not None and gone.died and again:
            self.links.pop(self.places[step.index], None)
            link.channel.kill()
            return True
        if gone is not None or isinstance(error, OutOfTime):
            late = gone is None or gone.late
            reason = gone.reason if gone else f"was still running after {seconds:.0f} s"
            loop = ": is there a loop that never ends?" if late else " when it was tested"
            self.hopeless[exercise] = f"{exercise} {reason}{loop}"
            self.tests[name] = "failed", self.hopeless[exercise]
            self.links.pop(self.places[step.index], None)
            if late or not link.channel.alive:
                link.channel.kill()
        elif error is None and step.hidden and link.spoiled:
            # The test may have worked out what it expected from its own objects, after they had been changed.
            self.tests[name] = "failed", f"{exercise} changes what it is given, in place: work on a copy"
        elif error is None:
            self.tests[name] = "passed", ""
        else:
            self.tests[name] = "failed", self._message(step, error, link)
        return False

    def _link(self, step: Step) -> Link:
        place = self.places[step.index]
        channel = self.student.at(place)
        if place not in self.links or self.links[place].channel is not channel:
            self.links[place] = Link(channel, self.words)
        return self.links[place]

    def _execute(self, step: Step, seconds: float) -> BaseException | None:
        for name in self.plan.exercises:
            # An exercise is always the student's, whatever an earlier test cell called by its name.
            self.namespace.pop(name, None)
        try:
            with _quiet(), _alarm(seconds + 2.0):
                exec(compile(step.source, FILE, "exec"), self.namespace)
        except CannotCross as error:
            raise CheckerFault(f'the test cell "{step.name}" could not judge: {error}') from error
        except (Exception, StudentGone, OutOfTime) as error:
            lost = isinstance(error, ImportError) and re.search(r"\btests\b", str(error))
            if type(error).__name__ == "SourceFault" or (lost and not isinstance(error, StudentError)):
                raise CheckerFault(f'the test cell "{step.name}" could not judge: {error}') from error
            if isinstance(error.__cause__, CannotCross):
                raise CheckerFault(f'the test cell "{step.name}" could not judge: {error.__cause__}') from error
            return error
        except BaseException as error:
            raise CheckerFault(f'the test cell "{step.name}" ended with {_say(error)}') from error
        return None

    def _message(self, step: Step, error: BaseException, link: Link) -> str:
        exercise = step.exercise or ""
        if any(s.untouched and s.name == exercise for s in self.plan.steps):
            return "not started: the answer cell is as it was handed out"
        if exercise in self.broken:
            return f"{exercise} is not defined, because its cell {self.broken[exercise]}"
        if isinstance(error, NotImplementedError):
            return f"{exercise} is not written yet: it raises NotImplementedError"
        text = str(error).strip()
        if isinstance(error, AssertionError) and not isinstance(error, StudentError):
            if not step.hidden:
                return visible_message(text) or "an assertion without a message failed; run the cell to see it"
            return hidden_message(text, link.heard, link.extents, self.words) or "a hidden test failed"
        if step.hidden:
            text = text if isinstance(error, StudentError) else ""
            return hidden_message(f"{type(error).__name__}: {text}".rstrip(": "), link.heard, link.extents, self.words)
        return visible_message(f"{type(error).__name__}: {text}" if text else type(error).__name__)

    def _used_up(self) -> str:
        return f"the notebook had used up its {self.plan.submission_seconds:.0f} s"


def clean_outputs(raw: Any, cap: int) -> list[dict[str, Any]]:
    """What the student's process says its cell showed: well-formed and bounded entries only."""
    kept: list[dict[str, Any]] = []
    left = cap
    for item in raw if isinstance(raw, list) else []:
        if not isinstance(item, dict) or len(kept) >= 600:
            continue
        match item.get("output_type"):
            case "stream":
                text = wire.clean(str(item.get("text", "")))[: max(0, left) + 100]
                left -= len(text)
                name = "stderr" if item.get("name") == "stderr" else "stdout"
                if text:
                    kept.append({"output_type": "stream", "name": name, "text": text})
            case "error":
                trace = item.get("traceback")
                lines = [wire.clean(str(line))[:5000] for line in trace[:30]] if isinstance(trace, list) else []
                ename, evalue = wire.clean(str(item.get("ename")))[:100], wire.clean(str(item.get("evalue")))[:2000]
                kept.append({"output_type": "error", "ename": ename, "evalue": evalue, "traceback": lines})
            case ("execute_result" | "display_data") as kind:
                data = item.get("data")
                data = data if isinstance(data, dict) else {}
                texts = {k: wire.clean(v) for k, v in data.items() if k in KEPT_TYPES and isinstance(v, str)}
                size = sum(map(len, texts.values()))
                if size <= left and texts:
                    left -= size
                    entry = {"output_type": kind, "data": texts, "metadata": {}}
                    kept.append(entry | ({"execution_count": None} if kind == "execute_result" else {}))
    return kept


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Warnings and prints of tests cost nothing and show nothing."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise OutOfTime

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


# --- how a fork of the checkers' server becomes a checker -----------------------------------------------------------


def answer(request: dict[str, Any], descriptors: list[int]) -> None:
    """Entry of the checkers' fork server: read a plan from the engine, run it, write the result."""
    engine, control = (socket.socket(fileno=d) for d in descriptors)
    # One submission is over before garbage is worth a search of everything that was imported.
    gc.set_threshold(100_000)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What a test makes of a huge answer should end as its MemoryError, not as the machine's.
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))

    def watch() -> None:
        # The engine says nothing more; a readable socket means that it has gone, or wants an end.
        with contextlib.suppress(BlockingIOError):
            engine.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
            launched = getattr(checker, "student", None)
            if launched is not None:
                launched.close()
            os._exit(0)

    message, _ = wire.receive(engine, caps=wire.Caps(text=1 << 30))
    plan = Plan.from_json(message["plan"])
    # An alarm does not reach a loop inside C code: the kernel ends what has outlived its engine's patience.
    seconds = math.ceil(plan.submission_seconds) + GRACE_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.environ["COURSE_SEED"] = str(plan.seed)
    random.seed(plan.seed)
    np.random.seed(plan.seed % 2**32)
    if plan.root not in sys.path:
        sys.path.insert(0, plan.root)
    launch = Launch(
        control,
        message["request"],
        message["needs_folder"],
        Walls(**message["walls"]),
        plan.submission_seconds,
        message["uid"],
        watch,
    )
    checker = None
    try:
        checker = Checker(plan, launch)
        result: dict[str, Any] = checker.run()
    except CheckerFault as error:
        result = {"fault": str(error)}
    except SandboxFault as error:
        result = {"fault": f"{error}. Is the machine out of memory or processes?"}
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        result = {"fault": f"the grader failed with {_say(error)} ({os.path.basename(last.filename)}:{last.lineno})"}
    wire.send(engine, result)
