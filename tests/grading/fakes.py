"""Engines that judge in a millisecond and always alike, so that what surrounds an engine can be tested many times."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import queue
import subprocess
import sys
import threading
import time

from course_lib.grading.engine import Job, Result, TestVerdict, Verdict


def judge(job):
    """Verdicts from the text of the answers: one that returns something passes, unless it says `wrong`.

    It uses the standard library only, so that a worker process needs next to nothing to start.
    """
    import json

    cells = json.loads(job["notebook"])["cells"]
    sources = {cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"]) for cell in cells}
    verdicts = {}
    for cell in cells:
        meta = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and meta.get("grade") and not meta.get("solution"):
            answer = sources.get(meta["grade_id"].rsplit("-", 1)[0], "")
            passed = "return" in answer and "wrong" not in answer and job["unusable"] is None
            verdicts[meta["grade_id"]] = "" if passed else job["unusable"] or f"wrong for seed {job['seed']}"
    return verdicts


class FastEngine:
    """Judges in this process. FAST_PAUSE in the environment makes each job take so many seconds."""

    name, promise = "fast", "No student code runs."

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.ran: list[str] = []

    def run(self, job: Job) -> Result:
        self.ran.append(job.student)
        time.sleep(float(os.environ.get("FAST_PAUSE", "0")))
        return as_result(self.name, job, judge(dataclasses.asdict(job)))


def as_result(name: str, job: Job, verdicts: dict[str, str]) -> Result:
    result = Result(name, job.seed)
    for test, message in verdicts.items():
        result.tests[test] = TestVerdict(Verdict.FAILED if message else Verdict.PASSED, message)
    return result


WORKER = (
    inspect.getsource(judge)
    + "\nimport json, sys\nfor line in sys.stdin: print(json.dumps(judge(json.loads(line))), flush=True)"
)


class ProcessEngine(FastEngine):
    """Judges in worker processes that may be killed; a job whose worker died is a fault of the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.idle: queue.SimpleQueue[subprocess.Popen] = queue.SimpleQueue()
        self.pids: set[int] = set()

    def run(self, job: Job) -> Result:
        worker = self._worker()
        try:
            worker.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
            worker.stdin.flush()
            verdicts = json.loads(worker.stdout.readline())
        except (OSError, ValueError) as error:
            worker.kill()
            worker.wait()
            self.pids.discard(worker.pid)
            return Result(self.name, job.seed, fault=f"the worker died ({type(error).__name__})")
        self.idle.put(worker)
        return as_result(self.name, job, verdicts)

    def _worker(self) -> subprocess.Popen:
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            worker = subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self.pids.add(worker.pid)
            return worker
