"""Grade a class: several submissions run at a time, one thread writes the gradebook, and none stops the others.

What was judged before is not executed again, and what is recorded twice is recorded once; so a run that was killed,
at whatever moment, is repaired by repeating it.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import gradebook, release, results
from .course import Course
from .durable import CannotGoOn, one_at_a_time
from .engine import Engine, Job, Limits, Result, apply
from .engines import engine as default_engine
from .errors import CourseError
from .notebooks import Blueprint
from .submissions import Prepared, Submission, find_submissions, prepare
from .trusted.inside.wire import clean

ATTEMPTS = 2
WAITING_PER_WORKER = 3


@dataclass(frozen=True)
class Report:
    """What a run did: the class's rows afterwards, who was graded, how many had to be executed, the log."""

    rows: list[gradebook.Row]
    graded: list[str]
    executed: int
    log: Path


@dataclass(frozen=True)
class Judged:
    """A submission with its verdicts; `executed` unless they were found among the kept results."""

    prepared: Prepared
    result: Result
    executed: bool


def grade(
    course: Course,
    assignment: str,
    *,
    students: list[str] | None = None,
    folder: Path | None = None,
    workers: int = 2,
    limits: Limits | None = None,
    engine: Engine | None = None,
    term: str | None = None,
    fresh: bool = False,
    scheduler: str | None = None,
    on_start: Callable[[int], None] = lambda total: None,
    on_done: Callable[[str], None] = lambda student: None,
) -> Report:
    """Grade every submission of an assignment, or those of the named students.

    With a `scheduler`, submissions run on the workers of that Dask cluster, by an engine of the same class as
    `engine`. With `fresh`, kept results are not used.
    """
    engine, limits = engine or default_engine(), limits or Limits()
    source = release.check_source(course, assignment)
    found = _wanted(find_submissions(course, assignment, folder), course, assignment, students, folder)
    with (
        one_at_a_time(course.grading / "grade.lock", "grading"),
        gradebook.logs_to_file(course, f"grade-{assignment}") as log,
        _runner(engine, scheduler, course, assignment, workers) as (runner, width),
    ):
        on_start(len(found))
        gradebook.register(course, assignment, release.grading_version(source))
        judge = _Judge(course, assignment, runner, limits, results.remember_term(course, term), fresh, width)
        executed = 0
        # One thread more than workers reads the next submission while they all are at work.
        with ThreadPoolExecutor(max_workers=width + 1) as pool:
            try:
                for submission, future in _in_turn(pool, judge, found, width * WAITING_PER_WORKER):
                    executed += _record(course, submission, future)
                    on_done(submission.student)
            except BaseException:
                # An interrupt, a full disk or a broken gradebook: let what runs end at once, and start nothing more.
                stop = getattr(runner, "stop", None)
                if stop is not None:
                    stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return Report(gradebook.rows(course, assignment), [s.student for s in found], executed, log)


class _Judge:
    """Submission in, verdicts out; called from several threads."""

    def __init__(
        self, course: Course, assignment: str, engine: Engine, limits: Limits, term: str, fresh: bool, width: int
    ) -> None:
        self.at_work = threading.BoundedSemaphore(width)
        self.root, self.engine, self.limits, self.term, self.fresh = course.root, engine, limits, term, fresh
        self.blueprint: Blueprint = release.blueprint(course, assignment)
        self.judges = results.fingerprint(course.root, assignment)
        self.store = results.Store(course.grading / "results")
        self.store.tidy()

    def __call__(self, submission: Submission) -> Judged:
        prepared = prepare(submission, self.blueprint)
        job = self._job(submission, prepared)
        name = results.key(job, prepared.digest, self.engine.name, self.judges)
        result = None if self.fresh else self.store.read(name)
        executed = result is None
        if result is None:
            job = replace(job, notebook=json.dumps(prepared.notebook))
            with self.at_work:
                result = self._run(job)
            self.store.write(name, result)
        result.remarks = prepared.remarks + result.remarks
        return Judged(prepared, result, executed)

    def _job(self, submission: Submission, prepared: Prepared) -> Job:
        """All but the notebook's text, which takes longer to write than a kept result to find."""
        return Job(
            submission.assignment,
            submission.student,
            "",
            str(self.root),
            results.seed(submission.assignment, submission.student, self.term),
            self.limits,
            prepared.unusable,
        )

    def _run(self, job: Job) -> Result:
        """A fault of the machine is tried once more before it is reported."""
        result = self.engine.run(job)
        for _ in range(ATTEMPTS - 1):
            stop = getattr(self.engine, "stop", None)
            if result.fault and not (stop is not None and stop.is_set()):
                result = self.engine.run(job)
        return result


@contextmanager
def _runner(
    engine: Engine, scheduler: str | None, course: Course, assignment: str, workers: int
) -> Iterator[tuple[Engine, int]]:
    """What runs the jobs, and how many at a time: this machine, or a cluster, whose library is loaded only then."""
    if scheduler is None:
        yield engine, max(1, workers)
        return
    from .cluster import connected

    with connected(scheduler, engine, course, assignment) as cluster:
        yield cluster, cluster.width


def _in_turn(
    pool: ThreadPoolExecutor, judge: _Judge, found: list[Submission], most: int
) -> Iterator[tuple[Submission, Future[Judged]]]:
    """Judged submissions as they come, with at most so many begun or waiting to be recorded: memory stays flat."""
    left = iter(found)
    running: dict[Future[Judged], Submission] = {}
    while True:
        for submission in left:
            running[pool.submit(judge, submission)] = submission
            if len(running) >= most:
                break
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future


def _wanted(
    found: list[Submission], course: Course, assignment: str, students: list[str] | None, folder: Path | None
) -> list[Submission]:
    where = course.show(folder or course.submitted)
    if students:
        unknown = sorted(set(students) - {s.student for s in found})
        if unknown:
            have = ", ".join(s.student for s in found[:12]) or "nobody"
            raise CourseError(f"no submission of {', '.join(unknown)} for {assignment}; {where} holds: {have}.")
        return [s for s in found if s.student in students]
    if not found:
        raise CourseError(
            f"nothing to grade: found no {where}/STUDENT/{assignment}/. Put the submissions there, "
            f"or try it on a made-up class: course grade {assignment} --sample"
        )
    return found


def _record(course: Course, submission: Submission, future: Future[Judged]) -> int:
    """Write one submission's verdicts down; 1 if they had to be worked out."""
    who = (course, submission.assignment, submission.student)
    timestamp = None
    try:
        judged = future.result()
        prepared, result = judged.prepared, judged.result
        timestamp, reason = prepared.timestamp, result.fault
        if reason is None:
            nb = apply(result, prepared.notebook)
            nb.metadata["course"]["digest"] = prepared.digest
            gradebook.record(*who, nb, timestamp)
            return int(judged.executed)
    except CannotGoOn:
        raise
    except Exception as error:
        # Whatever one submission brings about, while it is judged or while it is written down, ends with it.
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"the grader failed with {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    gradebook.record_fault(*who, clean(reason), timestamp)
    return 1
