"""The same attacks on nbgrader as it comes: its default preprocessors, tests in the student's kernel, its own scores.

Each attack meets a fresh copy of a released course in a container of its own, is collected as nbgrader would find it,
and is autograded by nbgrader's unmodified code. Points are read from the gradebook, by nbgrader.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.grading.config import put_tools_on_path
from course_lib.grading.notebooks import read_notebook

from . import container, fort
from .corpus import TABLE, Attack
from .run import hand_in

STUDENT = "ada"
CELL_SECONDS = 5
SECONDS = 35.0
TEMPLATE = "/run/template"
PLACE = Path("/tmp/course")


@dataclass
class Stock:
    """What nbgrader gave; `points` is None where it gave no score at all."""

    points: float | None
    learnt: list[str]
    trouble: str = ""


def api(root: Path) -> Any:
    """nbgrader with its defaults, but for where things lie and how long a cell may run."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    put_tools_on_path()
    c = Config()
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "assignments"
    for step in ("submitted", "autograded", "feedback"):
        setattr(c.CourseDirectory, f"{step}_directory", f"_grading/{step}")
    c.CourseDirectory.db_url = f"sqlite:///{root}/_grading/gradebook.db"
    c.Execute.timeout = CELL_SECONDS
    return NbGraderAPI(config=c)


def template(folder: Path) -> Path:
    """The fort, released by nbgrader, for copies to be made of."""
    with fort.fort(folder):
        book = folder / "_grading" / "gradebook.db"
        book.unlink()
        answer = api(folder).generate_assignment(fort.NAME)
        if not answer["success"]:
            raise RuntimeError(f"nbgrader did not release the fort: {answer.get('error')}")
        with sqlite3.connect(book) as connection:
            connection.execute("create table remark (text)")
            connection.execute("insert into remark values (?)", (fort.CANARIES["gradebook"],))
        connection.close()
    for place, _, names in os.walk(folder):
        os.chmod(place, 0o755)
        for name in names:
            os.chmod(os.path.join(place, name), 0o644)
    return folder


def autograde(attack: Attack, course: Path, turn: int) -> Stock:
    """One attack in a container; `course` is a template."""
    arguments = ["-m", "tests.attacks.stock", attack.name]
    text = container.run(arguments, seconds=SECONDS, read={course: TEMPLATE}, turn=turn)
    try:
        found = json.loads(text.splitlines()[-1])
        points = None if found["points"] is None else float(found["points"])
        return Stock(points, [str(word) for word in found["learnt"]], str(found["trouble"])[:200])
    except (ValueError, IndexError, KeyError, TypeError):
        return Stock(None, [], "nbgrader itself was ended")


def main(name: str) -> int:
    """In the container."""
    with container.quiet_but_for_answers() as answer:
        attack = next(a for a in TABLE if a.name == name)
        shutil.copytree(TEMPLATE, PLACE)
        os.environ |= {
            "COURSE_CANARY": fort.CANARIES["environment"],
            "HOME": str(PLACE / "home"),
            "PYTHONPATH": f"{PLACE}:{container.REPOSITORY}",  # where a hidden test finds tests.hidden
            "COURSE_SEED": "1",
        }
        hand_in(attack, PLACE, PLACE / "_grading" / "submitted" / STUDENT / fort.NAME)
        nbgrader = api(PLACE)
        done = nbgrader.autograde(fort.NAME, STUDENT)
        points, trouble = None, ""
        if done["success"]:
            with nbgrader.gradebook as book:
                submission = book.find_submission_notebook(fort.NAME, fort.NAME, STUDENT)
                without = [g for g in submission.grades if g.auto_score is None and g.manual_score is None]
                points = None if without else sum(g.score for g in submission.grades)
                trouble = "" if points is not None else "a test without a score"
        else:
            trouble = (done.get("error") or done.get("log") or "failed").strip().splitlines()[-1]
        graded = PLACE / "_grading" / "autograded" / STUDENT / fort.NAME / f"{fort.NAME}.ipynb"
        seen = ""
        if graded.is_file():
            seen = json.dumps([cell.get("outputs") for cell in read_notebook(graded).cells])
        answer(json.dumps({"points": points, "learnt": fort.learnt(seen), "trouble": trouble}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
