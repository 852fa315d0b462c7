"""Fair timing on a shared machine: candidates take turns, and ratios are taken within a turn.

A machine that slows down for a second slows every candidate of that round, so the ratio of two of them in one round
says more than the ratio of two averages. The median over rounds then drops the rounds in which something else ran.
"""

import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: what ours takes, what the peer's takes, their ratio, and what is to be reached.

    Times are in seconds, memory in bytes: `unit` says which.
    """

    what: str
    size: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    reach: float
    unit: str = "s"

    def amounts(self):
        """Ours and the peer's, to be read."""
        scale, unit = {"s": (1e3, "ms"), "B": (2**-20, "MiB")}[self.unit]
        return f"{self.ours * scale:.2f} {unit}", f"{self.theirs * scale:.2f} {unit}"

    @property
    def reached(self):
        return self.ratio <= self.reach


def interleave(candidates, seconds=3.0, min_rounds=9, inner=1):
    """Call each candidate in turn, again and again, and return its seconds per call, round by round.

    Parameters
    ----------
    candidates : dict from name to a function of no arguments
    seconds : float
        Go on until this much time has passed.
    min_rounds : int
        But at least this many rounds.
    inner : int
        Calls per turn, for candidates too quick for the clock.
    """
    for call in candidates.values():
        call()  # the first call pays for allocation and thread pools
    times = {name: [] for name in candidates}
    start = time.perf_counter()
    while len(next(iter(times.values()))) < min_rounds or time.perf_counter() - start < seconds:
        for name, call in candidates.items():
            began = time.perf_counter()
            for _ in range(inner):
                call()
            times[name].append((time.perf_counter() - began) / inner)
    return times


def ratio(times, a, b):
    """Median over rounds of the time of a in units of the time of b."""
    return statistics.median(x / y for x, y in zip(times[a], times[b], strict=True))
