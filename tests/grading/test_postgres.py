"""The gradebook on a real PostgreSQL server, started here on a loopback port with data of its own.

Debian's package is used. It is installed only if COURSE_TEST_POSTGRES=install or CI is set, and we are root.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from nbgrader.api import Gradebook

from course_lib.grading import batch, database, gradebook, release
from course_lib.grading.course import Course
from course_lib.grading.errors import CourseError

from . import faults, tiny_course
from .fakes import FastEngine
from .tiny_course import NAME, QUIET

pytestmark = [pytest.mark.grading, QUIET]
SERVER = "/usr/lib/postgresql/*/bin"
NO_SERVER = (
    "THE GRADEBOOK ON POSTGRESQL IS NOT TESTED HERE: there is no server in /usr/lib/postgresql. "
    "As root on Debian, set COURSE_TEST_POSTGRES=install to have it installed."
)


def programs() -> Path:
    """The folder with initdb and pg_ctl; installs Debian's package if that was asked for."""
    wanted = os.environ.get("COURSE_TEST_POSTGRES") == "install" or bool(os.environ.get("CI"))
    if not _found() and wanted and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        # The package would start a server of its own, which nobody needs.
        no_cluster = Path("/etc/postgresql-common/createcluster.d/course.conf")
        no_cluster.parent.mkdir(parents=True, exist_ok=True)
        no_cluster.write_text("create_main_cluster = false\n")
        quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", "-q", *command], check=True, env=quietly, timeout=600)
    if not _found():
        pytest.skip(NO_SERVER)
    return _found()[-1]


def _found() -> list[Path]:
    return sorted(Path("/").glob(SERVER.lstrip("/")))


class Server:
    """One server process with data in a temporary folder; the user postgres runs it when we are root."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.data = programs(), folder / "data"
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user, self.user)
        password = secrets.token_hex(8)
        (folder / "password").write_text(password)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-U", "course", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-N")
        self.url = f"postgresql+psycopg://course:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.data / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once, as when the machine fails."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *options: str) -> None:
        subprocess.run(
            [str(self.bin / program), "-D", str(self.data), *options],
            check=True,
            user=self.user,
            cwd=self.data.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="course-postgres-"))
    try:
        running = Server(folder)
        running.start()
        try:
            yield running
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                running.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def url(server) -> Iterator[str]:
    """An empty database."""
    name = f"marks_{secrets.token_hex(4)}"
    admin = sqlalchemy.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield server.url.removesuffix("postgres") + name
    database._engine(server.url.removesuffix("postgres") + name).dispose()
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def classes(tmp_path, url) -> tuple[Course, Course]:
    """The same class twice: one with a gradebook in a file, one with its gradebook on the server."""
    plain = tiny_course.make_course(tmp_path / "plain")
    release.write_release(plain, NAME)
    for number in range(8):
        faults.hand_in(plain, number, 1)
    shutil.copytree(plain.root, tmp_path / "served")
    config = tmp_path / "served" / "nbgrader_config.py"
    config.write_text(config.read_text() + f"\nc.CourseDirectory.db_url = {url!r}\n")
    return plain, Course(tmp_path / "served", tmp_path / "served" / "_grading")


def test_a_class_graded_marked_and_handed_in_again_is_the_same_as_in_a_file(classes):
    for course in classes:
        batch.grade(course, NAME, engine=FastEngine())
        gradebook.mark(course, NAME, "s01", "why", 2.0, "Well said.")
        faults.hand_in(course, 3, 2)
        faults.hand_in(course, 9, 1)
        batch.grade(course, NAME, engine=FastEngine())
    plain, served = classes
    assert not (served.grading / "gradebook.db").exists()
    assert faults.difference(faults.dump(served), faults.dump(plain)) is None


def test_a_server_that_fails_during_the_batch_costs_nothing(classes, server):
    plain, served = classes
    batch.grade(plain, NAME, engine=FastEngine())
    done: list[str] = []

    def fail(student: str) -> None:
        done.append(student)
        if len(done) == 3:
            server.stop()

    try:
        with pytest.raises(CourseError, match=r"gradebook postgresql\+psycopg://course:\*\*\*@.*Is the server running"):
            batch.grade(served, NAME, engine=FastEngine(), on_done=fail)
    finally:
        server.start()
    batch.grade(served, NAME, engine=FastEngine())
    assert faults.difference(faults.dump(served), faults.dump(plain)) is None


def test_connections_that_a_restarted_server_forgot_are_made_anew(classes, server):
    plain, served = classes
    batch.grade(plain, NAME, engine=FastEngine())
    done: list[str] = []

    def restart(student: str) -> None:
        done.append(student)
        if len(done) == 3:
            server.stop()
            server.start()

    batch.grade(served, NAME, engine=FastEngine(), on_done=restart)
    assert faults.difference(faults.dump(served), faults.dump(plain)) is None


def test_a_gradebook_that_nbgrader_made_on_the_server_is_used(classes, url):
    plain, served = classes
    with Gradebook(url) as book:
        book.update_or_create_student("s00")
    for course in (plain, served):
        batch.grade(course, NAME, engine=FastEngine())
    assert faults.difference(faults.dump(served), faults.dump(plain)) is None


def test_nbgraders_own_commands_work_on_the_server(classes):
    _, served = classes
    batch.grade(served, NAME, engine=FastEngine())
    tools = os.path.dirname(sys.executable)
    env = os.environ | {"PATH": tools + os.pathsep + os.environ["PATH"]}
    for command in (["autograde", NAME, "--student", "s01", "--force"], ["export", "--to", "marks.csv"]):
        run = subprocess.run(
            [os.path.join(tools, "nbgrader"), *command], cwd=served.root, env=env, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr[-3000:]
    marks = (served.root / "marks.csv").read_text()
    assert "s01" in marks and "s07" in marks
