"""Seconds per submission: the trusted engine beside one Jupyter kernel per submission, on a2-rnn's own solution."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.timing import Row, interleave, ratio
from course_lib.grading.engine import Job, KernelEngine, Limits
from course_lib.grading.notebooks import grade_id, read_notebook
from course_lib.grading.trusted import TrustedEngine

ROOT = Path(__file__).parents[1]
NAME = "a2-rnn"


def job(*, experiment: bool, student: str = "ada") -> Job:
    nb = read_notebook(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
    nb.cells = [cell for cell in nb.cells if experiment or grade_id(cell) != "experiment-run"]
    return Job.make(NAME, student, nb, ROOT, Limits(), None)


def rows(seconds: float = 10.0) -> list[Row]:
    """Per submission, one at a time: without and with the closing experiment; then two at a time."""
    found = []
    engines = {"trusted": TrustedEngine(), "kernel": KernelEngine()}
    began = time.perf_counter()
    engines["trusted"].run(job(experiment=False))
    first = time.perf_counter() - began
    for experiment in (False, True):
        work = job(experiment=experiment)
        times = interleave(
            {n: lambda e=e, work=work: e.run(work) for n, e in engines.items()}, seconds=seconds, min_rounds=5
        )
        ours, theirs = (sorted(times[name])[len(times[name]) // 2] for name in ("trusted", "kernel"))
        what = f"grade {NAME}" + (" and run its experiment" if experiment else "")
        found.append(Row(what, "1 at a time", ours, "kernel", theirs, ratio(times, "trusted", "kernel"), 1.0))
    jobs = [job(experiment=False, student=f"student-{k}") for k in range(12)]

    def class_of(name: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(engines[name].run, jobs))

    times = interleave({n: lambda n=n: class_of(n) for n in engines}, seconds=0.0, min_rounds=3)
    ours, theirs = (sorted(times[name])[1] / len(jobs) for name in ("trusted", "kernel"))
    found.append(Row(f"grade {NAME}", "2 at a time", ours, "kernel", theirs, ratio(times, "trusted", "kernel"), 1.0))
    found.append(Row("first result", "1", first, "kernel", found[0].theirs, first / found[0].theirs, 3.0))
    engines["trusted"].close()
    return found


if __name__ == "__main__":
    for row in rows():
        print(f"{row.what:40} {row.size:12} {row.ours:7.3f} s   {row.peer} {row.theirs:7.3f} s   ratio {row.ratio:.2f}")
