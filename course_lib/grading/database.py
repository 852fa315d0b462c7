"""Which database holds the gradebook, and how it is opened: all of a change, or nothing of it.

nbgrader opens a database engine for every step of every notebook and commits after every cell. Here an engine is made
once per process, and nbgrader's own code runs inside one transaction, which is committed at its end. A process that is
killed meanwhile leaves the gradebook as it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import nbgrader
from alembic.script import ScriptDirectory
from nbgrader.api import Base, Gradebook, InvalidEntry
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool
from traitlets.config.loader import PyFileConfigLoader

from .course import CONFIG, Course
from .durable import CannotGoOn
from .errors import Misuse

LOCKED_SECONDS = 60.0
ATTEMPTS = 3
VARIABLE = "COURSE_DB"
WRITES = "course_writes"

# nbgrader looks grades up by notebook, for which its schema has no index: every look would read the whole class.
INDEXES = (
    ("course_grade_notebook", "grade (notebook_id)"),
    ("course_comment_notebook", "comment (notebook_id)"),
    ("course_submitted_notebook_assignment", "submitted_notebook (assignment_id)"),
)

T = TypeVar("T")
_seen_complete: set[tuple[str, int]] = set()


class OpenGradebook(Gradebook):
    """nbgrader's gradebook on a session made elsewhere; closing it leaves the engine open for the next."""

    def __init__(self, engine: Engine, session: Any) -> None:
        self.engine, self.db = engine, session
        self.course_id, self.authenticator = "default_course", None

    def close(self) -> None:
        self.db.remove()


def choose(url: str) -> None:
    """Use this database for the rest of the process, instead of the one in nbgrader_config.py."""
    try:
        make_url(url)
    except ArgumentError as error:
        raise Misuse(f'--db "{url}" is no database URL. Write it like postgresql+psycopg://USER@HOST/NAME.') from error
    os.environ[VARIABLE] = url


def url_of(course: Course) -> str:
    """The class's database: --db, else COURSE_DB, else nbgrader_config.py's CourseDirectory.db_url.

    Any other class than the configured one, such as the made-up one, keeps a file of its own.
    """
    folder = os.environ.get("COURSE_GRADING", "_grading")
    if course.grading != course.root / folder:
        return course.gradebook_url
    return os.environ.get(VARIABLE) or _configured(course.root, folder) or course.gradebook_url


def shown(course: Course) -> str:
    """Where the gradebook is, without a password."""
    url = make_url(url_of(course))
    if url.get_backend_name() == "sqlite" and url.database:
        return course.show(Path(url.database))
    return url.render_as_string(hide_password=True)


@lru_cache
def _configured(root: Path, folder: str) -> str | None:
    if not (root / CONFIG).is_file():
        return None
    url = PyFileConfigLoader(CONFIG, path=str(root)).load_config().get("CourseDirectory", {}).get("db_url")
    return url if isinstance(url, str) else None


@contextlib.contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """The gradebook for reading; what it is asked to write is committed whenever nbgrader's code commits."""
    engine = _ready(course)
    gradebook = OpenGradebook(engine, scoped_session(sessionmaker(bind=engine, future=True)))
    with gradebook:
        yield gradebook


def in_transaction(course: Course, work: Callable[[Gradebook], T]) -> T:
    """Run `work` on the gradebook, and commit all that it did, once; a lost connection is tried again.

    `work` may run more than once, so it must not change anything but the gradebook it is given.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(_ready(course), work)
        except (DBAPIError, InvalidEntry) as error:
            # nbgrader turns some of the database's errors into its own.
            cause = error if isinstance(error, DBAPIError) else error.__context__
            if not isinstance(cause, DBAPIError):
                raise
            if attempt == ATTEMPTS or not cause.connection_invalidated:
                raise CannotGoOn(_trouble(course, cause)) from error
    raise AssertionError("unreachable")


def _once(engine: Engine, work: Callable[[Gradebook], T]) -> T:
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        # nbgrader's commits only flush: the transaction around them is ours.
        maker = sessionmaker(
            bind=connection, future=True, join_transaction_mode="rollback_only", expire_on_commit=False
        )
        with OpenGradebook(engine, scoped_session(maker)) as gradebook:
            result = work(gradebook)
            gradebook.db.flush()
        return result


def _ready(course: Course) -> Engine:
    """The engine, with nbgrader's tables in its database."""
    course.grading.mkdir(parents=True, exist_ok=True)
    url = url_of(course)
    engine = _engine(url)
    known = _identity(url)
    if known is not None and known in _seen_complete:
        return engine
    try:
        with engine.connect() as connection:
            complete = _is_complete(connection)
        if not complete:
            with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                _make_tables(connection)
    except Exception as error:
        raise CannotGoOn(_trouble(course, error)) from error
    if known is not None:
        _seen_complete.add(known)
    return engine


def _identity(url: str) -> tuple[str, int] | None:
    """What tells a database from another that takes its place, such as a backup put back."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url, 0
    try:
        return url, os.stat(parsed.database or "").st_ino
    except OSError:
        return None


@lru_cache
def _engine(url: str) -> Engine:
    backend = make_url(url).get_backend_name()
    if backend != "sqlite":
        return create_engine(url, future=True, pool_pre_ping=True)
    # A connection per use: an open one would outlive a gradebook that is replaced by a backup.
    engine = create_engine(url, future=True, poolclass=NullPool, connect_args={"timeout": LOCKED_SECONDS})

    @event.listens_for(engine, "connect")
    def _by_hand(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that first reads can meet another one halfway, and then no waiting helps: take the lock at once.
        immediately = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediately else "BEGIN")

    return engine


def _is_complete(connection: Connection) -> bool:
    found = inspect(connection)
    return found.has_table("alembic_version") and found.has_table("comment") and _has_indexes(found)


def _has_indexes(found: Any) -> bool:
    return INDEXES[-1][0] in {index["name"] for index in found.get_indexes("submitted_notebook")}


def _schema_version() -> str:
    """What nbgrader asks the command `alembic heads`, which takes a second."""
    return ScriptDirectory(str(Path(nbgrader.__file__).parent / "alembic")).get_current_head() or ""


def _make_tables(connection: Connection) -> None:
    """What nbgrader does when it opens an empty database, but in one transaction; and the indexes."""
    Base.metadata.create_all(bind=connection)
    if not inspect(connection).has_table("alembic_version"):
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(
            text("INSERT INTO alembic_version (version_num) VALUES (:version)"), {"version": _schema_version()}
        )
    for name, columns in INDEXES:
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}"))
    sessions = scoped_session(sessionmaker(bind=connection, future=True, join_transaction_mode="rollback_only"))
    with OpenGradebook(connection.engine, sessions) as gradebook:
        gradebook.check_course("default_course")


def _trouble(course: Course, error: Exception) -> str:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    remedy = "If it is damaged, put back a copy; if it is only missing, run the command again."
    if isinstance(error, NoSuchModuleError):
        remedy = "A driver for this kind of database is not installed."
    elif "locked" in reason:
        remedy = f"Another program has kept it locked for {LOCKED_SECONDS:.0f} s. End that, and run the command again."
    elif "full" in reason or "No space" in reason:
        remedy = "What was finished is kept: make room, and run the same command again."
    elif not url_of(course).startswith("sqlite"):
        remedy = "Is the server running, and may you use it? Run the same command again when it is."
    return f"the gradebook {shown(course)} could not be used ({type(error).__name__}: {reason}). {remedy}"
