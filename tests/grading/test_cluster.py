"""The same class on a Dask cluster of processes on this machine, of which some are killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.grading import batch, cluster, gradebook, release, results
from course_lib.grading.course import Course
from course_lib.grading.errors import CourseError

from . import faults, tiny_course
from .fakes import FastEngine
from .tiny_course import NAME, QUIET, ROOT

pytestmark = [pytest.mark.grading, QUIET]
STUDENTS = 24
START_SECONDS = 60


class Cluster:
    """A scheduler and its workers, on the loopback address only, without dashboards; all end with the test."""

    def __init__(self, folder: Path) -> None:
        self.file, self.log = folder / "scheduler.json", folder / "log.txt"
        self.processes: list[subprocess.Popen] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(self.file), root=folder)
        self.address = self._address()

    def worker(self, root: Path) -> subprocess.Popen:
        options = ("--nthreads", "1", "--no-nanny", "--death-timeout", "60", "--local-directory", str(self.file.parent))
        return self._start("worker", self.address, *options, root=root)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def _start(self, kind: str, *options: str, root: Path) -> subprocess.Popen:
        env = os.environ | {"PYTHONPATH": str(ROOT), "COURSE_ROOT": str(root), "FAST_PAUSE": "0.05"}
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "dask",
            kind,
            "--host",
            "127.0.0.1",
            "--no-dashboard",
            *options,
        ]
        with self.log.open("a") as log:
            process = subprocess.Popen(command, env=env, cwd=self.file.parent, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def _address(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.file.is_file() and (text := self.file.read_text()).rstrip().endswith("}"):
                return json.loads(text)["address"]
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())


@pytest.fixture
def dask(tmp_path) -> Iterator[Cluster]:
    folder = tmp_path / "dask"
    folder.mkdir()
    running = Cluster(folder)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def _classes(tmp_path_factory) -> Path:
    course = tiny_course.make_course(tmp_path_factory.mktemp("class") / "course")
    release.write_release(course, NAME)
    gradebook.enrol(course, [])
    for number in range(STUDENTS):
        faults.hand_in(course, number, 1)
    return course.root


@pytest.fixture
def copy(_classes, tmp_path):
    """Make one more copy of the class, under another path."""

    def make(name: str) -> Course:
        shutil.copytree(_classes, tmp_path / name)
        return Course(tmp_path / name, tmp_path / name / "_grading")

    return make


def wait_for_workers(running: Cluster, count: int) -> None:
    import distributed

    with distributed.Client(running.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=START_SECONDS)


def test_a_class_on_three_workers_of_which_two_are_killed_is_graded_as_on_one_machine(dask, copy):
    here, there, clone = copy("here"), copy("there"), copy("clone")
    workers = [dask.worker(clone.root) for _ in range(3)]
    batch.grade(here, NAME, engine=FastEngine())
    wait_for_workers(dask, 3)
    done: list[str] = []

    def kill_some(student: str) -> None:
        done.append(student)
        if len(done) in (3, 8):
            workers.pop().kill()

    report = batch.grade(there, NAME, engine=FastEngine(), scheduler=dask.address, on_done=kill_some)
    assert sorted(done) == [f"s{n:02d}" for n in range(STUDENTS)]
    assert report.executed == STUDENTS
    assert faults.difference(faults.dump(there), faults.dump(here)) is None


def test_a_cluster_that_loses_all_workers_is_given_up_and_the_rest_is_graded_here(dask, copy, monkeypatch):
    monkeypatch.setattr(cluster, "WORKERLESS_SECONDS", 1.0)
    here, there = copy("here"), copy("there")
    worker = dask.worker(there.root)
    batch.grade(here, NAME, engine=FastEngine())
    wait_for_workers(dask, 1)
    done: list[str] = []

    def kill_it(student: str) -> None:
        done.append(student)
        if len(done) == 5:
            worker.kill()

    with pytest.raises(CourseError, match=r"no worker for 1 s.*dask worker tcp://127.*run the same command again"):
        batch.grade(there, NAME, engine=FastEngine(), scheduler=dask.address, on_done=kill_it)
    engine = FastEngine()
    batch.grade(there, NAME, engine=engine)
    assert 0 < len(engine.ran) <= STUDENTS - 5
    assert faults.difference(faults.dump(there), faults.dump(here)) is None


def test_a_worker_with_another_course_is_refused_before_anything_runs(dask, copy):
    there, stale = copy("there"), copy("stale")
    (stale.root / "tests" / "hidden" / "a0_tiny.py").write_text("REFERENCES = {}\n")
    dask.worker(stale.root)
    with pytest.raises(
        CourseError, match=r"has another course in .*stale; it differs .* in: hidden tests\. .*start it again"
    ):
        batch.grade(there, NAME, engine=FastEngine(), scheduler=dask.address)
    assert not list((there.grading / "results").rglob("*.json"))


def test_a_worker_that_joins_with_another_course_refuses_the_job(copy, monkeypatch):
    there, stale = copy("there"), copy("stale")
    (stale.root / "requirements.txt").write_text("numpy==0\n")
    monkeypatch.setenv("COURSE_ROOT", str(stale.root))
    for function in (cluster._root, cluster._fingerprint):
        function.cache_clear()
    try:
        judges = json.dumps(results.fingerprint(there.root, NAME))
        answer = json.loads(cluster.run_job(json.dumps({"assignment": NAME}), "no:Engine", judges))
        assert "differs from this machine's in: packages." in answer["refused"]
    finally:
        for function in (cluster._root, cluster._fingerprint):
            function.cache_clear()


def test_an_address_where_no_scheduler_answers_is_named(copy, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(CourseError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 .*leave out --scheduler"):
        batch.grade(copy("there"), NAME, engine=FastEngine(), scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_not_waited_for(dask, copy, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 2.0)
    with pytest.raises(CourseError, match=r"has no workers\. On each machine"):
        batch.grade(copy("there"), NAME, engine=FastEngine(), scheduler=dask.address)
