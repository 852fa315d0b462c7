"""Print the table: attack, points where code and tests share a kernel, points from the trusted engine.

Each attack on the shared kernel runs in a process group of its own, since it may end its grader.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from course_lib.grading.engine import KernelEngine
from course_lib.grading.trusted import TrustedEngine

from .corpus import TABLE
from .fort import fort
from .run import grade, grade_all

SECONDS = 60
# These would harm the machine if nothing held them back.
TOO_HARMFUL = {
    "fork bomb",
    "memory flood",
    "memory flood by many",
    "disk flood",
    "output flood",
    "signals",
    "sandbox's server",
    "process left behind",
    "package installed",
}


def on_a_kernel(name: str, root: Path) -> dict[str, Any]:
    """In a child: one attack on the shared kernel, written to a file as JSON."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-m", "tests.attacks", "--kernel", name, str(root), file.name]
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        text = Path(file.name).read_text()
    return json.loads(text) if text else {"points": None, "learnt": [], "fault": "the grader died"}


def kernel_child(name: str, root: str, target: str) -> int:
    attack = next(a for a in TABLE if a.name == name)
    outcome = grade(attack, KernelEngine(), Path(root))
    found = {"points": outcome.points, "learnt": outcome.learnt, "fault": outcome.result.fault}
    Path(target).write_text(json.dumps(found))
    return 0


def main(names: list[str]) -> int:
    wanted = [a for a in TABLE if not names or a.name in names]
    fooled = wrong = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        with fort(Path(folder, "trusted")) as root:
            trusted = TrustedEngine()
            here = {o.attack.name: o for o in grade_all(wanted, trusted, root)}
            print(f"trusted: {trusted.tier.name}\n")
            trusted.close()
        print(f"{'attack':30} {'kernel':>8} {'trusted':>8} {'deserves':>8}   learnt on the kernel / here")
        for k, a in enumerate(wanted):
            ours = here[a.name]
            points, learnt = "not run", ""
            if a.name not in TOO_HARMFUL:
                # A fresh course each time: some attacks change it.
                with fort(Path(folder, str(k))) as root:
                    there = on_a_kernel(a.name, root)
                points = "ungraded" if there["fault"] else f"{there['points']:g}"
                learnt = ", ".join(there["learnt"])
                tried += 1
                fooled += bool(there["fault"] or there["learnt"] or there["points"] != a.deserves)
            wrong += bool(ours.result.fault or ours.learnt or ours.points != a.deserves)
            print(f"{a.name:30} {points:>8} {ours.points:>8g} {a.deserves:>8g}   {learnt} / {', '.join(ours.learnt)}")
    print(f"\nOf {tried} attacks tried on the kernel, {fooled} cheated it, learnt something or kept it from grading;")
    print(f"of {len(wanted)} on the trusted engine, {wrong}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--kernel"]:
        raise SystemExit(kernel_child(*sys.argv[2:5]))
    raise SystemExit(main(sys.argv[1:]))
