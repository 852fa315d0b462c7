"""An engine that cannot be fooled: verdicts come from a process that no student code ever runs in."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine import Job, Result, TestVerdict, Verdict
from ..errors import CourseError, MachineFault
from .edition import absent_functions, make_edition
from .inside import wire
from .plan import (
    GRACE_SECONDS,
    Plan,
    allowed_packages,
    hidden_tests_of,
    make_plan,
    places_of,
    preload_of,
    trains_networks,
)
from .sandbox import START_SECONDS, Tier, first_uid, read_until, strongest
from .student import Walls

ANSWER = wire.Caps(text=256 << 20)

Needs = tuple[dict[str, str], tuple[str, ...], bool]  # functions to take out, packages to allow, whether it trains


class Server:
    """A fork server and the socket on which it takes requests."""

    def __init__(
        self,
        control: socket.socket,
        process: subprocess.Popen[bytes],
        request: dict[str, Any] | None = None,
        leads: bool = False,
    ) -> None:
        """`leads` says that the process is the leader of a group that holds all its forks and nobody else."""
        self.control, self.process, self.request, self.leads = control, process, request or {}, leads

    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.leads:
            # Whatever it forked has lost its engine; one that is caught inside C code would not notice.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class TrustedEngine:
    """Student code in a sandbox, tests outside it; may be used from several threads at once.

    Parameters
    ----------
    tier : how student code is shut in; the strongest this machine has when left out
    walls : what one submission may use
    """

    name = "trusted"

    def __init__(self, tier: Tier | None = None, walls: Walls | None = None) -> None:
        self.tier = tier or strongest()
        self.walls = walls or Walls()
        self.promise = self.tier.promise
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, ...], Server] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._needs: dict[tuple[str, str], tuple[list[tuple[int, int]], Needs]] = {}
        self._turns = itertools.count(1)
        self._folder = tempfile.TemporaryDirectory(prefix="course-editions-", ignore_cleanup_errors=True)
        os.chmod(self._folder.name, 0o755)
        self._finalizer = weakref.finalize(self, _close_all, self._servers, self._folder)

    def close(self) -> None:
        """End the fork servers; what they started ends with them."""
        self._finalizer()

    def warm(self, root: Path, assignment: str) -> None:
        """Begin to start the fork servers that this assignment needs, and return at once.

        Worth calling first thing in a command: torch takes seconds to load, and so does nbgrader, on another core.
        What goes wrong here is left for `run` to meet again and report.
        """

        def start(what: Callable[[str, str], object]) -> None:
            with contextlib.suppress(Exception):
                what(str(root), assignment)

        for what in (self._students, self._checkers):
            threading.Thread(target=start, args=(what,), daemon=True).start()

    def run(self, job: Job) -> Result:
        began = time.monotonic()
        result = Result(self.name, job.seed)
        try:
            plan, blueprint = make_plan(job)
            if job.unusable is not None:
                for spec in blueprint.cells:
                    if spec.is_test:
                        result.tests[spec.grade_id] = TestVerdict(Verdict.NOT_RUN, job.unusable)
                result.remarks.append(job.unusable)
            else:
                self._check(job, plan, result)
        except CourseError as error:
            result.fault = str(error)
        except Exception as error:
            # Whatever broke here is ours, and a guess at a score would be worse than none.
            result.fault = f"the grader failed with {type(error).__name__}: {error}"
        result.seconds = round(time.monotonic() - began, 3)
        return result

    def _check(self, job: Job, plan: Plan, result: Result) -> None:
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with ThreadPoolExecutor(1) as beside:
                    # Both take about a second to start, the first time.
                    waiting = beside.submit(self._checkers, job.root, job.assignment)
                    students, request = self._students(job.root, job.assignment)
                    checkers = waiting.result()
                socket.send_fds(checkers.control, [b"{}"], [theirs.fileno(), students.control.fileno()])
            except OSError as error:
                raise MachineFault(f"the grader's processes are gone ({error}); grade again") from error
            finally:
                theirs.close()
            message = {
                "plan": plan.to_json(),
                "request": request,
                "needs_folder": self.tier.needs_folder,
                "walls": asdict(self.walls),
                "uid": first_uid(next(self._turns)) if self.tier.another_user() else None,
            }
            answer = self._converse(ours, message, job.limits.submission_seconds + GRACE_SECONDS)
        if "fault" in answer:
            raise MachineFault(answer["fault"])
        for name, (verdict, text) in answer["tests"].items():
            result.tests[name] = TestVerdict(Verdict(verdict), text)
        result.outputs = {int(index): outputs for index, outputs in answer["outputs"].items()}
        result.remarks += answer["remarks"]

    def _converse(self, sock: socket.socket, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds

        def watch() -> None:
            if self.stop.is_set():
                raise MachineFault("grading was interrupted")

        try:
            wire.send(sock, message, deadline=deadline)
            answer, _ = wire.receive(sock, deadline=deadline, caps=ANSWER, watch=watch)
        except wire.TooLate:
            raise MachineFault(f"judging took more than {seconds:.0f} s and was given up") from None
        except (wire.Closed, wire.Malformed) as error:
            raise MachineFault(f"the process that judges ended ({type(error).__name__}); grade again") from error
        return answer

    # --- fork servers, started when first needed and kept

    def _students(self, course: str, assignment: str) -> tuple[Server, dict[str, Any]]:
        absent, allow, trains = self._needs_of(Path(course), assignment)
        library = Path(__file__).parents[2]

        def start() -> Server:
            edition = make_edition(Path(self._folder.name), library, absent, allow, trains=trains)
            return Server(*self.tier.start(edition), self.tier.request(edition, ""))

        server = self._server(("student", repr(absent), repr(allow), str(trains)), start)
        return server, server.request

    def _needs_of(self, root: Path, assignment: str) -> Needs:
        """What the assignment asks of the students' fork server; read again only when a file it comes from changed."""
        files = (*places_of(root, assignment), hidden_tests_of(root, assignment))
        stamps = [(found.st_mtime_ns, found.st_size) for found in (path.stat() for path in files if path.is_file())]
        known = self._needs.get((str(root), assignment))
        if known is None or known[0] != stamps:
            absent = absent_functions(hidden_tests_of(root, assignment))
            known = stamps, (absent, allowed_packages(root, assignment), trains_networks(root, assignment))
            self._needs[str(root), assignment] = known
        return known[1]

    def _checkers(self, course: str, assignment: str) -> Server:
        return self._server(("checker", course, assignment), lambda: _start_checkers(course, assignment))

    def _server(self, key: tuple[str, ...], start: Callable[[], Server]) -> Server:
        """The running server of that key; while one is being started, only those who need the same wait."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            server = self._servers.get(key)
            if server is None or not server.alive():
                server = self._servers[key] = start()
            return server


def _start_checkers(root: str, assignment: str) -> Server:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading, writing = os.pipe()
    module = f"tests.hidden.{assignment.replace('-', '_')}"
    # What locked cells import, every checker would import anew: torch takes longer than all the rest.
    preload = [module, *sorted(preload_of(Path(root), assignment))]
    settings = {"control": theirs.fileno(), "ready": writing, "root": root, "preload": preload}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    here = str(Path(__file__).parents[3])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | threads | {"PYTHONHASHSEED": "0", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.checkers", json.dumps(settings)],
        pass_fds=[theirs.fileno(), writing],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    os.close(writing)
    answer = read_until(reading, time.monotonic() + START_SECONDS)
    os.close(reading)
    if answer != b"ready":
        ours.close()
        process.kill()
        process.wait()
        raise MachineFault("the process that judges did not start; run with --debug to see what it said")
    return Server(ours, process, leads=True)


def _close_all(servers: dict[tuple[str, ...], Server], folder: tempfile.TemporaryDirectory[str]) -> None:
    for server in servers.values():
        server.close()
    servers.clear()
    folder.cleanup()
