"""The trusted engine: student code in a sandbox, tests and expected values in a process of their own.

    engine (batch's threads)
       ├── checkers' fork server ── checker, one per submission: runs the tests, judges
       │                               │  frames of plain data (PROTOCOL.md)
       └── sandbox ── students' fork server ── student, one per submission: runs the notebook's cells

Reading order
-------------
engine       a job in, a result out; starts the two fork servers and keeps them
plan         a notebook as an ordered list of steps
checker      one submission: cells, snapshots, tests, verdicts
proxies      the student's functions and objects as tests see them
drive        training and differentiating a student's PyTorch module from a test
later        imports that only the student may need
messages     what a student may read of a failed test
student      the checker's end of a student's process: deadlines, kills, replays, memory
sandbox      which walls this machine has; the commands that put them up
edition      what a student's code may import
inside/      what is copied into the sandbox: wire, fork server, confinement, shell, training loops
"""

from typing import Any

__all__ = ["TrustedEngine", "available_tiers", "describe"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: the checkers' fork server must start without nbformat and Jupyter."""
    if name == "TrustedEngine":
        from .engine import TrustedEngine

        return TrustedEngine
    if name in ("available_tiers", "describe"):
        from . import sandbox

        return getattr(sandbox, name)
    raise AttributeError(name)
