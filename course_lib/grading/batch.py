"""Grade a class: several submissions run at a time, one thread writes the gradebook, and none stops the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from . import gradebook, release
from .course import Course
from .engine import Job, KernelEngine, Limits, Result, apply
from .errors import CourseError
from .notebooks import Blueprint
from .submissions import Prepared, Submission, find_submissions, prepare

ATTEMPTS = 2


@dataclass(frozen=True)
class Report:
    """What a run did: the class's rows afterwards, who was graded in this run, and where the log is."""

    rows: list[gradebook.Row]
    graded: list[str]
    log: Path


def grade(
    course: Course,
    assignment: str,
    *,
    students: list[str] | None = None,
    folder: Path | None = None,
    workers: int = 2,
    limits: Limits | None = None,
    engine: KernelEngine | None = None,
    on_start: Callable[[int], None] = lambda total: None,
    on_done: Callable[[str], None] = lambda student: None,
) -> Report:
    """Grade every submission of an assignment, or those of the named students."""
    engine, limits = engine or KernelEngine(), limits or Limits()
    source = release.check_source(course, assignment)
    blueprint = release.blueprint(course, assignment)
    found = _wanted(find_submissions(course, assignment, folder), course, assignment, students, folder)
    on_start(len(found))
    with gradebook.logs_to_file(course, f"grade-{assignment}") as log:
        gradebook.register(course, assignment, release.grading_version(source))
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            waiting = {pool.submit(_run, s, blueprint, course.root, limits, engine): s for s in found}
            try:
                for future in as_completed(waiting):
                    submission = waiting[future]
                    _record(course, submission, future)
                    on_done(submission.student)
            except BaseException:
                # An interrupt or a broken gradebook: let running kernels end at once instead of finishing the class.
                engine.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return Report(gradebook.rows(course, assignment), [s.student for s in found], log)


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


def _run(
    submission: Submission, blueprint: Blueprint, root: Path, limits: Limits, engine: KernelEngine
) -> tuple[Prepared, Result]:
    prepared = prepare(submission, blueprint)
    job = Job.make(submission.assignment, submission.student, prepared.notebook, root, limits, prepared.unusable)
    # A fault of the machine is tried once more before it is reported.
    result = engine.run(job)
    for _ in range(ATTEMPTS - 1):
        if result.fault and not engine.stop.is_set():
            result = engine.run(job)
    result.remarks = prepared.remarks + result.remarks
    return prepared, result


def _record(course: Course, submission: Submission, future: Future[tuple[Prepared, Result]]) -> None:
    who = (course, submission.assignment, submission.student)
    try:
        prepared, result = future.result()
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"the grader failed with {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
        gradebook.record_fault(*who, reason, None)
        return
    if result.fault:
        gradebook.record_fault(*who, result.fault, prepared.timestamp)
        return
    nb = apply(result, prepared.notebook)
    nb.metadata["course"]["digest"] = prepared.digest
    gradebook.record(*who, nb, prepared.timestamp)
