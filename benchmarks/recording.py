"""What a submission costs besides running it: ``python -m benchmarks.recording``.

An engine that judges at once stands in for the grader, so that what is left is reading and repairing, storing the
result, recording it in the gradebook, and reading the table back. Flat columns mean that no step looks at the rest of
the class.
"""

import json
import tempfile
import threading
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from course_lib.grading import batch, gradebook, release
from course_lib.grading.course import Course, find_course
from course_lib.grading.engine import Result, TestVerdict, Verdict
from course_lib.grading.notebooks import grade_id, is_answer, read_notebook, write_notebook

SIZES = (10, 60, 300, 1000)


class InstantEngine:
    """Every test passes, at once."""

    name, promise = "instant", "No student code runs."

    def __init__(self):
        self.stop = threading.Event()
        self.tests = None

    def run(self, job):
        if self.tests is None:
            nb = json.loads(job.notebook)
            ids = [cell["metadata"].get("nbgrader", {}) for cell in nb["cells"] if cell["cell_type"] == "code"]
            self.tests = [meta["grade_id"] for meta in ids if meta.get("grade")]
        return Result(self.name, job.seed, {name: TestVerdict(Verdict.PASSED) for name in self.tests})


class Clock:
    """Adds up the time spent in some functions of a module."""

    def __init__(self, owner, names):
        self.seconds = 0.0
        for name in names:
            setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, function):
        def timed(*args, **kwargs):
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def hand_in(course, assignment, size):
    """A class whose notebooks all differ."""
    nb = read_notebook(course.source(assignment))
    stub = release.student_version(nb)
    answers = {grade_id(cell): cell.source for cell in nb.cells if is_answer(cell)}
    for number in range(size):
        student = f"s{number:04d}"
        for cell in stub.cells:
            if is_answer(cell):
                cell.source = f"{answers[grade_id(cell)]}\n# {student}"
        write_notebook(stub, course.submitted / student / assignment / f"{assignment}.ipynb")


def measure(root, assignment, size):
    """Milliseconds per submission: the first run, recording alone, the same command again, the table alone."""
    with tempfile.TemporaryDirectory() as folder:
        course = Course(root, Path(folder))
        hand_in(course, assignment, size)
        clock = Clock(*RECORDING)
        runs = []
        for _ in range(2):
            began = time.perf_counter()
            batch.grade(course, assignment, engine=InstantEngine())
            runs.append(time.perf_counter() - began)
            recording, clock.seconds = clock.seconds, 0.0
            runs.append(recording)
        began = time.perf_counter()
        rows = gradebook.rows(course, assignment)
        table = time.perf_counter() - began
        assert len(rows) == size and all(row.exercises for row in rows)
        return [1000 * seconds / size for seconds in (*runs, table)]


RECORDING = (gradebook, ("record", "record_fault"))


@click.command()
@click.option("--sizes", default=",".join(map(str, SIZES)), show_default=True)
@click.option("--assignment", default="a2-rnn", show_default=True)
def main(sizes, assignment):
    root = find_course().root
    measure(root, assignment, 2)  # imports, and the first compilation of each query
    table = Table(title=f"{assignment}: milliseconds per submission")
    for heading in ("class", "first run", "recording", "same again", "recording ", "table"):
        table.add_column(heading, justify="right")
    for size in map(int, sizes.split(",")):
        table.add_row(str(size), *[f"{cost:.1f}" for cost in measure(root, assignment, size)])
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
