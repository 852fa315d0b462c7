"""Results that are kept: what was judged once need not be executed again.

A verdict follows from the submission's bytes, the assignment's source and hidden tests, the grader and the library it
uses, the packages, the seed and the limits. The name of a result's file is a digest of all of them, so a result is
found exactly when executing again would give the same. A machine's fault is no result and is never kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from .course import Course
from .durable import TEMPORARY, write_atomically
from .engine import Job, Result, seed_for
from .errors import Misuse

VERSION = 1
DEFAULT_TERM = "default"
PACKAGE = Path(__file__).resolve().parents[1]
IGNORED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}

Fingerprint = dict[str, str]


def fingerprint(root: Path, assignment: str) -> Fingerprint:
    """Digests of all that judges a submission, by part, so that a difference can be named."""
    hidden = root / "tests" / "hidden"
    return {
        "python": platform.python_version(),
        "packages": _packages(root),
        "course_lib": _digest_files(PACKAGE, _files(PACKAGE)),
        "source": _digest_files(root, _files(root / "solutions" / assignment)),
        "hidden tests": _digest_files(
            root, [*_files(hidden), root / "tests" / "__init__.py", *sorted(root.glob("*.py"))]
        ),
    }


def key(job: Job, submission: str, engine: str, judges: Fingerprint) -> str:
    """The name of a job's result; `submission` is the digest of the bytes handed in."""
    parts = {
        "version": VERSION,
        "submission": submission,
        "unusable": job.unusable,
        "assignment": job.assignment,
        "seed": job.seed,
        "limits": dataclasses.asdict(job.limits),
        "engine": engine,
        "judges": judges,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Store:
    """The results of one class, in FOLDER/ab/abcdef....json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.json"

    def read(self, name: str) -> Result | None:
        """The result, or None if there is none that can be trusted: then it is worked out again."""
        try:
            kept = json.loads(self.path(name).read_text(encoding="utf-8"))
            whole = kept["key"] == name and kept["digest"] == _digest(kept["result"])
            return Result.from_json(kept["result"]) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, name: str, result: Result) -> None:
        if result.fault is None:
            text = result.to_json()
            kept = {"key": name, "digest": _digest(text), "result": text}
            write_atomically(self.path(name), json.dumps(kept) + "\n")

    def tidy(self) -> None:
        """Drop what killed runs left unfinished."""
        for path in self.folder.glob(f"*/.*{TEMPORARY}"):
            path.unlink(missing_ok=True)


def seed(assignment: str, student: str, term: str) -> int:
    """The same for a student at every regrade; another for another student or another term."""
    return seed_for(assignment, student if term == DEFAULT_TERM else f"{student}\0{term}")


def remember_term(course: Course, asked: str | None) -> str:
    """The class's term: the one asked for, which is kept for later runs, or the one kept."""
    path = course.grading / "term.txt"
    kept = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if asked is None:
        return kept or DEFAULT_TERM
    if not re.fullmatch(r"[\w .-]{1,60}", asked):
        raise Misuse(f'--term "{asked}" is no name for a term. Write it like 2026-autumn.')
    if asked != (kept or DEFAULT_TERM):
        write_atomically(path, asked + "\n")
    return asked


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not IGNORED.intersection(p.parts)]


def _digest_files(top: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            data = path.read_bytes()
            digest.update(f"{path.relative_to(top).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _packages(root: Path) -> str:
    """Installed versions of what the lock names, or of everything where there is no lock."""
    # Only where packages are installed: some libraries add folders of their own to the path when they are imported.
    places = tuple(p for p in sys.path if Path(p).name in ("site-packages", "dist-packages"))
    installed = _installed(places)
    lock = root / "requirements.txt"
    if lock.is_file():
        names = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        installed = {name: installed.get(name, "absent") for name in map(_normal, names)}
    return _digest(json.dumps(installed, sort_keys=True))


@lru_cache
def _installed(places: tuple[str, ...]) -> dict[str, str]:
    """Name and version of every package, from the names of their folders, since reading them takes a second."""
    found: dict[str, str] = {}
    for place in reversed(places):
        for folder in Path(place).glob("*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").partition("-")
            found[_normal(name)] = version
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
