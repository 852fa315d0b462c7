"""Kill, fill and lock the grader at random moments, and see that repeating it ends as if nothing had happened.

``python -m tests.grading.faults --rounds 100`` prints a summary. Each round begins with a class that was graded once,
marked by hand in part, and then handed in anew in part. One to three disturbed runs follow, then one that is left
alone. Its gradebook must equal that of a run never disturbed: all scores, flags, comments, penalties and files.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy

from course_lib.grading import batch, database, gradebook, release
from course_lib.grading.course import Course
from course_lib.grading.errors import CourseError
from course_lib.grading.notebooks import grade_id, read_notebook, write_notebook

from . import tiny_course
from .fakes import FastEngine, ProcessEngine
from .tiny_course import NAME

STUDENTS = 16
HANG_SECONDS = 120
KINDS = ("step", "time", "worker", "disk", "locked")
FINISHED, STOPPED, KILLED = "finished", "stopped with a message", "killed"

TABLES = {
    "submissions": "SELECT s.student_id, a.name, s.timestamp, s.extension FROM submitted_assignment s "
    "JOIN assignment a ON a.id = s.assignment_id",
    "penalties": "SELECT s.student_id, n.late_submission_penalty FROM submitted_notebook n "
    "JOIN submitted_assignment s ON s.id = n.assignment_id",
    "grades": "SELECT s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade "
    "FROM grade g JOIN base_cell c ON c.id = g.cell_id JOIN submitted_notebook n ON n.id = g.notebook_id "
    "JOIN submitted_assignment s ON s.id = n.assignment_id",
    "comments": "SELECT s.student_id, c.name, m.auto_comment, m.manual_comment FROM comment m "
    "JOIN base_cell c ON c.id = m.cell_id JOIN submitted_notebook n ON n.id = m.notebook_id "
    "JOIN submitted_assignment s ON s.id = n.assignment_id",
    "cells": "SELECT name, type FROM base_cell",
    "points": "SELECT c.name, g.max_score, g.cell_type FROM grade_cells g JOIN base_cell c ON c.id = g.id",
    "sources": "SELECT name, cell_type, source, locked, checksum FROM source_cell",
    "students": "SELECT id FROM student",
    "assignments": "SELECT name, duedate FROM assignment",
    "version": "SELECT version_num FROM alembic_version",
}
COUNTED = ("grade", "comment", "submitted_notebook", "submitted_assignment", "base_cell", "notebook", "assignment")


def dump(course: Course) -> dict[str, Any]:
    """All that a gradebook and its files say, without what is drawn by lot (ids) or by the clock."""
    engine = sqlalchemy.create_engine(database.url_of(course), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        found: dict[str, Any] = {
            name: sorted(repr([_plain(value) for value in row]) for row in connection.execute(sqlalchemy.text(query)))
            for name, query in TABLES.items()
        }
        for table in COUNTED:
            found[f"rows of {table}"] = connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {table}")).scalar()
    for path in sorted(course.autograded.rglob("*.ipynb")):
        nb = json.loads(path.read_text())
        nb["metadata"]["course"].pop("seconds")
        for cell in nb["cells"]:
            cell.pop("id")
        found[f"autograded {path.relative_to(course.autograded)}"] = nb
    for path in sorted((course.grading / "ungraded").rglob("*.json")):
        found[f"ungraded {path.name}"] = json.loads(path.read_text())
    found["table"] = [dataclasses.asdict(row) for row in gradebook.rows(course, NAME)]
    return found


def _plain(value: Any) -> Any:
    """The same for every kind of database."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return int(value) if isinstance(value, bool) else value


def difference(have: dict[str, Any], want: dict[str, Any]) -> str | None:
    """The first thing in which two dumps differ."""
    for name in sorted(have.keys() | want.keys()):
        if have.get(name) != want.get(name):
            return f"{name}: found {have.get(name)!r:.600}, expected {want.get(name)!r:.600}"
    return None


def hand_in(course: Course, number: int, attempt: int) -> None:
    """A class in which some are right, some wrong, some damaged, and some late."""
    student, kind = f"s{number:02d}", (number + attempt) % 8
    nb = release.student_version(read_notebook(course.source(NAME)))
    for cell in nb.cells:
        if grade_id(cell) in ("scale", "running_sum") and kind != 4:
            cell.source += f"\n    return {'wrong' if kind == 2 else number}  # attempt {attempt}"
        elif grade_id(cell) == "why":
            cell.source = f"Because of attempt {attempt}."
    if kind == 3:
        twins = copy.deepcopy(nb.cells[:-3])
        for cell in twins:
            cell["id"] += "-twin"
        nb.cells = nb.cells[:-3] + twins
    path = course.submitted / student / NAME / f"{NAME}.ipynb"
    write_notebook(nb, path)
    (path.parent / "timestamp.txt").write_text(f"2026-01-{30 + kind % 2} 12:00:00 UTC\n")
    if kind == 5:
        path.write_text("{broken")


def make_class(root: Path) -> Course:
    """Graded once, marked by hand in part, handed in anew in part."""
    course = tiny_course.make_course(root)
    release.write_release(course, NAME)
    gradebook.set_due(course, NAME, datetime(2026, 1, 30, 23, 0))
    for number in range(STUDENTS - 2):
        hand_in(course, number, 1)
    batch.grade(course, NAME, engine=FastEngine())
    for number in range(0, STUDENTS - 2, 2):
        gradebook.mark(course, NAME, f"s{number:02d}", "why", number / 4, f"remark {number}")
    for number in range(0, STUDENTS, 3):
        hand_in(course, number, 2)
    hand_in(course, STUDENTS - 1, 2)
    return course


@dataclass
class Summary:
    """What happened in all rounds together."""

    rounds: int = 0
    unequal: list[str] = field(default_factory=list)
    ends: Counter = field(default_factory=Counter)
    messages: Counter = field(default_factory=Counter)
    executed: list[int] = field(default_factory=list)

    def lines(self) -> list[str]:
        lines = [f"{self.rounds} rounds, {len(self.unequal)} with a gradebook that differs", ""]
        lines += [f"{'disturbed by':14}{FINISHED:>12}{STOPPED:>26}{KILLED:>10}"]
        for kind in KINDS:
            counts = [self.ends[kind, end] for end in (FINISHED, STOPPED, KILLED)]
            lines.append(f"{kind:14}{counts[0]:12}{counts[1]:26}{counts[2]:10}")
        again = sum(self.executed) / max(1, len(self.executed))
        lines += ["", f"submissions executed by the last run: {again:.1f} of {STUDENTS} on average"]
        lines += [f"{count:4} × {message}" for message, count in self.messages.most_common()]
        return lines + [f"DIFFERS: {text}" for text in self.unequal]


class Arena:
    """A folder in which rounds are run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.seed = seed
        self.template = make_class(folder / "template").root
        undisturbed = self._course("undisturbed")
        began = time.monotonic()
        steps = folder / "steps"
        end = self._run(undisturbed, lambda: _count_steps(steps))
        assert end == FINISHED, end
        self.steps, self.seconds = int(steps.read_text()), time.monotonic() - began
        self.want = dump(undisturbed)
        self.may_mount = self._try_to_mount()

    def round(self, number: int, summary: Summary, kind: str) -> None:
        course = self._course(f"round-{number}")
        kinds = [kind] + [self.random.choice(KINDS) for _ in range(self.random.randrange(3))]
        for each in kinds:
            end = getattr(self, f"_by_{each}")(course)
            summary.ends[each, end] += 1
            if end == STOPPED:
                summary.messages[self._message(course)] += 1
        executed = self.folder / "executed"
        end = self._run(course, lambda: None, executed)
        if end == FINISHED:
            summary.executed.append(int(executed.read_text()))
        found = difference(dump(course), self.want) if end == FINISHED else f"the last run was {end}"
        found = found or _leftovers(course)
        summary.rounds += 1
        if found:
            summary.unequal.append(f"seed {self.seed}, round {number} ({', '.join(kinds)}): {found}")
        else:
            shutil.rmtree(course.root)

    # --- the ways to disturb a run ------------------------------------------------------------------------------

    def _by_step(self, course: Course) -> str:
        """Killed right before a certain file operation, database statement or commit."""
        step = self.random.randint(1, self.steps)
        return self._run(course, lambda: _kill_at(step))

    def _by_time(self, course: Course) -> str:
        """Killed after a while."""
        return self._run(course, lambda: None, kill_after=self.random.uniform(0, self.seconds))

    def _by_worker(self, course: Course) -> str:
        """Worker processes are killed again and again."""
        seed = self.random.random()
        return self._run(course, lambda: _hunt_workers(seed))

    def _by_disk(self, course: Course) -> str:
        """The disk is full after some more bytes: a small one if we may mount it, else a limit on file sizes."""
        if not self.may_mount:
            size = self.random.randint(0, (course.grading / "gradebook.db").stat().st_size + (64 << 10))
            return self._run(course, lambda: _limit_files(size))
        with _small_disk(course.grading, room=self.random.randint(0, 192 << 10)):
            return self._run(course, lambda: None)

    def _by_locked(self, course: Course) -> str:
        """Another program holds the database; we wait as long as usual, or hardly at all."""
        patience = self.random.choice((database.LOCKED_SECONDS, 0.1))
        begin, length = self.random.uniform(0, self.seconds), self.random.uniform(0.05, 1.0)
        locker = os.fork()
        if locker == 0:
            with contextlib.suppress(sqlite3.OperationalError):
                time.sleep(begin)
                other = sqlite3.connect(course.grading / "gradebook.db", isolation_level=None)
                other.execute("BEGIN EXCLUSIVE")
                time.sleep(length)
            os._exit(0)
        try:
            return self._run(course, lambda: setattr(database, "LOCKED_SECONDS", patience))
        finally:
            os.waitpid(locker, 0)

    # --- running ------------------------------------------------------------------------------------------------

    def _course(self, name: str) -> Course:
        shutil.copytree(self.template, self.folder / name)
        return Course(self.folder / name, self.folder / name / "_grading")

    def _run(
        self, course: Course, disturb: Callable[[], None], executed: Path | None = None, kill_after: float | None = None
    ) -> str:
        """`course grade` in a process of its own; how it ended."""
        pid = os.fork()
        if pid == 0:
            _grade(course, disturb, executed)
        deadline = time.monotonic() + HANG_SECONDS
        kill_at = time.monotonic() + (HANG_SECONDS if kill_after is None else kill_after)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() > min(kill_at, deadline):
                os.kill(pid, signal.SIGKILL)
                kill_at = deadline + HANG_SECONDS
            time.sleep(0.002)
        if os.WIFSIGNALED(status):
            return "hanging" if time.monotonic() > deadline else KILLED
        return {0: FINISHED, 1: STOPPED}.get(os.WEXITSTATUS(status), f"broken: {self._message(course)}")

    def _message(self, course: Course) -> str:
        path = course.root / "message.txt"
        return path.read_text()[-1500:] if path.is_file() else ""

    def _try_to_mount(self) -> bool:
        probe = self.folder / "probe"
        probe.mkdir()
        try:
            with _small_disk(probe, room=1 << 20):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def _grade(course: Course, disturb: Callable[[], None], executed: Path | None) -> None:
    """In the child: ends the process."""
    code = 3
    try:
        warnings.simplefilter("ignore")
        disturb()
        engine = _Hunted()
        report = batch.grade(course, NAME, engine=engine)
        if executed is not None:
            executed.write_text(str(report.executed))
        code = 0
    except CourseError as error:
        text = str(error).replace(str(course.root), "").replace(str(os.getpid()), "PID")
        (course.root / "message.txt").write_text(_without_numbers(text))
        code = 1
    except BaseException:
        (course.root / "message.txt").write_text(traceback.format_exc())
    finally:
        os._exit(code)


class _Hunted(ProcessEngine):
    """Tells the hunter which processes there are."""

    known: set[int] = set()  # noqa: RUF012  # one per process, which ends after one run

    def __init__(self) -> None:
        super().__init__()
        self.pids = _Hunted.known


def _hunt_workers(seed: float) -> None:
    luck = random.Random(seed)

    def hunt() -> None:
        while True:
            time.sleep(luck.uniform(0.0, 0.05))
            for pid in list(_Hunted.known):
                if luck.random() < 0.7:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    threading.Thread(target=hunt, daemon=True).start()


def _on_every_step(step: Callable[[], None]) -> None:
    """Call something before every operation on a file, every statement and every commit."""

    def audit(name: str, arguments: tuple) -> None:
        if name in ("os.rename", "os.remove", "os.mkdir") or (name == "open" and "_grading" in str(arguments[0])):
            step()

    sys.addaudithook(audit)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", lambda *a: step())
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda *a: step())


def _count_steps(path: Path) -> None:
    count = [0]

    def step() -> None:
        count[0] += 1
        # The file's own opening is no step, as it lies outside the course.
        path.write_text(str(count[0]))

    _on_every_step(step)


def _kill_at(number: int) -> None:
    count = [0]

    def step() -> None:
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    _on_every_step(step)


def _limit_files(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextlib.contextmanager
def _small_disk(folder: Path, room: int) -> Iterator[None]:
    """`folder` on a disk of its own with so many bytes free; afterwards its content lies where it was."""
    aside = folder.with_name(folder.name + "-aside")
    used = sum(p.stat().st_size + 4096 for p in folder.rglob("*"))
    folder.rename(aside)
    folder.mkdir()
    try:
        size = used + room + (1 << 20)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True, capture_output=True
        )
        try:
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            free = os.statvfs(folder)
            ballast = folder / "ballast"
            ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room)))
            yield
            ballast.unlink()
            shutil.rmtree(aside)
            shutil.copytree(folder, aside)
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()
        aside.rename(folder)


def _leftovers(course: Course) -> str | None:
    """Unfinished files must not pile up."""
    left = [p for p in course.grading.rglob("*") if p.name.endswith((".unfinished", "-journal"))]
    return f"left behind: {left}" if left else None


def _without_numbers(text: str) -> str:
    return re.sub(r"[0-9a-f]{64}|[0-9a-f]{2}/|s\d\d", "…", text)


def sweep(rounds: int, seed: int, say: Callable[[str], None] = lambda text: None) -> Summary:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="course-faults-") as folder:
        arena, summary = Arena(Path(folder), seed), Summary()
        say(f"an undisturbed run: {arena.steps} steps, {arena.seconds:.2f} s; small disks: {arena.may_mount}")
        for number in range(rounds):
            arena.round(number, summary, KINDS[number % len(KINDS)])
            say(f"round {number + 1}/{rounds}: {len(summary.unequal)} differ")
    return summary


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    summary = sweep(options.rounds, options.seed, lambda text: print(text, file=sys.stderr))
    print("\n".join(summary.lines()))
    return 1 if summary.unequal else 0


if __name__ == "__main__":
    sys.exit(main())
