"""Where things lie in a course, and which assignments there are."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import CourseError, Misuse

CONFIG = "nbgrader_config.py"


@dataclass(frozen=True)
class Course:
    """A course's root, and the folder that holds one class: its submissions, gradebook and feedback."""

    root: Path
    grading: Path

    @property
    def solutions(self) -> Path:
        return self.root / "solutions"

    @property
    def assignments(self) -> Path:
        return self.root / "assignments"

    @property
    def submitted(self) -> Path:
        return self.grading / "submitted"

    @property
    def autograded(self) -> Path:
        return self.grading / "autograded"

    @property
    def feedback(self) -> Path:
        return self.grading / "feedback"

    @property
    def logs(self) -> Path:
        return self.grading / "logs"

    @property
    def gradebook_url(self) -> str:
        return f"sqlite:///{self.grading / 'gradebook.db'}"

    def source(self, assignment: str) -> Path:
        return self.solutions / assignment / f"{assignment}.ipynb"

    def release(self, assignment: str) -> Path:
        return self.assignments / assignment / f"{assignment}.ipynb"

    def names(self) -> list[str]:
        """Assignments that have a source notebook named like their folder."""
        return sorted(p.name for p in self.solutions.glob("*") if self.source(p.name).is_file())

    def find(self, name: str) -> str:
        """The assignment called `name`, or the only one that begins with it ("a2" for "a2-rnn")."""
        names = self.names()
        if name in names:
            return name
        begins = [n for n in names if n.startswith(name)]
        if len(begins) == 1:
            return begins[0]
        near = begins or difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There is: {', '.join(names) or 'none yet'}."
        raise Misuse(f'no assignment "{name}" in {self.show(self.solutions)}/. {hint}')

    def chosen(self, name: str | None) -> list[str]:
        """The named assignment, or all of them."""
        if name:
            return [self.find(name)]
        if not self.names():
            raise CourseError(
                f"no assignments: found no {self.show(self.solutions)}/NAME/NAME.ipynb. Is this the course's root?"
            )
        return self.names()

    def for_sample(self) -> Course:
        """The same course with a class of its own, so that made-up students never meet real ones."""
        return Course(self.root, self.grading / "sample")

    def show(self, path: Path) -> str:
        """A path as a person in the course's root would type it."""
        try:
            return str(path.relative_to(self.root))
        except ValueError:
            return str(path)


def find_course(root: str | os.PathLike[str] | None = None) -> Course:
    """The course at `root`, or the one around the current folder."""
    if root is not None:
        top = Path(root).resolve()
        if not (top / CONFIG).is_file():
            raise Misuse(f"{top} is not a course: it has no {CONFIG}.")
    else:
        here = Path.cwd().resolve()
        found = next((p for p in (here, *here.parents) if (p / CONFIG).is_file()), None)
        if found is None:
            raise CourseError(
                f"no course here: found no {CONFIG} in {here} or above. Go to the course's folder, or use --root."
            )
        top = found
    # Lets nbgrader's own commands and ours be pointed at another class (COURSE_GRADING=_grading/sample).
    return Course(top, top / os.environ.get("COURSE_GRADING", "_grading"))
