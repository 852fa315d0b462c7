"""The same batch on a Dask cluster: jobs go out and results come back as JSON; everything else stays here.

A worker judges with its own clone of the course (the folder it was started in, or COURSE_ROOT). With every job goes
the fingerprint of what must judge it, and a worker whose clone differs refuses. Dask hands the job of a worker that
died to another one. This machine alone reads submissions, keeps results and writes the gradebook.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import results
from .course import Course, find_course
from .durable import CannotGoOn
from .engine import Engine, Job, Limits, Result
from .errors import CourseError

CONNECT_SECONDS = 15.0
WORKERLESS_SECONDS = 60.0
TICK_SECONDS = 1.0
SLACK_SECONDS = 60.0
WAITING_PER_THREAD = 2
HOW_TO_START = "On each machine, in its clone of the course:  dask worker {address} --nthreads 1 --no-dashboard"


# --- on this machine --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def connected(address: str, engine: Engine, course: Course, assignment: str) -> Iterator[ClusterEngine]:
    """An engine that runs jobs on the cluster at `address`, with engines like `engine` on its workers."""
    import distributed

    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="course-grade")
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(
            f"no Dask scheduler answers at {address} ({error}). Start one with  dask scheduler --no-dashboard , "
            "or leave out --scheduler to grade on this machine."
        ) from error
    with contextlib.closing(client):
        yield ClusterEngine(client, address, engine, results.fingerprint(course.root, assignment), assignment)


class ClusterEngine:
    """Looks like an engine on this machine; may be used from several threads at once."""

    def __init__(self, client: Any, address: str, engine: Engine, judges: results.Fingerprint, assignment: str) -> None:
        self.name, self.promise = engine.name, engine.promise
        self.stop = threading.Event()
        self._client, self._address, self._judges = client, address, json.dumps(judges)
        self._engine = f"{type(engine).__module__}:{type(engine).__qualname__}"
        self._watch = threading.Lock()
        self._seen = time.monotonic()
        threads = self._first_workers()
        self._check_workers(assignment)
        self.width = WAITING_PER_THREAD * max(1, sum(threads.values()))

    def run(self, job: Job) -> Result:
        from distributed import KilledWorker

        future = self._client.submit(
            run_job, json.dumps(dataclasses.asdict(job)), self._engine, self._judges, pure=False
        )
        try:
            answer = json.loads(self._wait(future, job.limits))
        except KilledWorker as error:
            return Result(self.name, job.seed, fault=f"several workers died while they ran it ({error})")
        finally:
            future.release()
        if "refused" in answer:
            raise CannotGoOn(answer["refused"])
        return Result.from_json(answer["result"])

    def _wait(self, future: Any, limits: Limits) -> str:
        """The answer; bounded in time, since a cluster without workers would keep us waiting for ever."""
        from distributed import TimeoutError as NotYet
        from distributed.client import FutureCancelledError

        # It may first wait for the jobs before it, and each of them may be moved to another worker.
        deadline = time.monotonic() + (WAITING_PER_THREAD + 1) * (limits.submission_seconds + SLACK_SECONDS)
        while True:
            if self.stop.is_set():
                raise CannotGoOn("grading was interrupted")
            try:
                return future.result(timeout=TICK_SECONDS)
            except (NotYet, TimeoutError):
                self._watch_workers()
            except (FutureCancelledError, OSError) as error:
                raise CannotGoOn(self._lost("lost the connection to the scheduler")) from error
            except ImportError as error:
                raise CannotGoOn(f"a worker of {self._address} cannot load the grader: {error}") from error
            if time.monotonic() > deadline:
                raise CannotGoOn(self._lost("a job came back from no worker in time"))

    def _first_workers(self) -> dict[str, int]:
        with contextlib.suppress(Exception):
            self._client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        threads = self._client.nthreads()
        if not threads:
            how = HOW_TO_START.format(address=self._address)
            raise CourseError(f"the scheduler at {self._address} has no workers. {how}")
        return threads

    def _check_workers(self, assignment: str) -> None:
        """Refuse a cluster that would refuse us, before anything runs."""
        answers = self._client.run(check_worker, assignment, self._judges, on_error="return")
        bad = [str(answer) for answer in answers.values() if answer is not None]
        if bad:
            raise CourseError("\n".join(sorted(set(bad))))

    def _watch_workers(self) -> None:
        if self._client.status != "running":
            raise CannotGoOn(self._lost("lost the connection to the scheduler"))
        if not self._watch.acquire(blocking=False):
            return  # another thread is looking
        try:
            if self._client.nthreads():
                self._seen = time.monotonic()
            elif time.monotonic() - self._seen > WORKERLESS_SECONDS:
                how = HOW_TO_START.format(address=self._address)
                raise CannotGoOn(self._lost(f"no worker for {WORKERLESS_SECONDS:.0f} s. {how}"))
        except OSError as error:
            raise CannotGoOn(self._lost("lost the connection to the scheduler")) from error
        finally:
            self._watch.release()

    def _lost(self, what: str) -> str:
        return f"{self._address}: {what}. What was graded is kept: run the same command again to go on."


# --- on a worker ------------------------------------------------------------------------------------------------


def run_job(job: str, engine: str, judges: str) -> str:
    """Judge one job, or refuse it: called by Dask."""
    raw = json.loads(job)
    refusal = check_worker(raw["assignment"], judges)
    if refusal is not None:
        return json.dumps({"refused": refusal})
    limits = Limits(**raw.pop("limits"))
    mine = Job(**(raw | {"root": str(_root()), "limits": limits}))
    return json.dumps({"result": _engine(engine).run(mine).to_json()})


def check_worker(assignment: str, judges: str) -> str | None:
    """Why this worker must not judge, or None."""
    who = f"the worker {socket.gethostname()} (process {os.getpid()})"
    try:
        mine, wanted = _fingerprint(assignment), json.loads(judges)
    except CourseError as error:
        return f"{who} has no clone of the course: {error} Start it in the clone, or set COURSE_ROOT."
    differing = [part for part in wanted if mine.get(part) != wanted[part]]
    if not differing:
        return None
    return (
        f"{who} has another course in {_root()}; it differs from this machine's in: {', '.join(differing)}. "
        "Bring its clone and its environment to the same state, and start it again."
    )


@lru_cache
def _fingerprint(assignment: str) -> results.Fingerprint:
    # Once per process: what was imported does not change when the clone does.
    return results.fingerprint(_root(), assignment)


@lru_cache
def _root() -> Path:
    return find_course(os.environ.get("COURSE_ROOT")).root


@lru_cache
def _engine(name: str) -> Engine:
    module, _, cls = name.partition(":")
    return getattr(importlib.import_module(module), cls)()
