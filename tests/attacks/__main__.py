"""Print the table: attack, points where code and tests share a kernel, points from the trusted engine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from course_lib.grading.engine import KernelEngine
from course_lib.grading.trusted import TrustedEngine

from .corpus import TABLE
from .fort import HONEST_PART, fort
from .run import grade_all

# These would harm the machine if nothing held them back.
TOO_HARMFUL = {
    "fork bomb",
    "memory flood",
    "memory flood by many",
    "disk flood",
    "signals",
    "sandbox's server",
    "pickle",
}
TOO_HARMFUL |= {"writes outside", "process left behind", "package installed"}


def main() -> int:
    wanted = [a for a in TABLE if not sys.argv[1:] or a.name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder, fort(Path(folder)) as root:
        trusted = TrustedEngine()
        print(f"here: {trusted.tier.name}", file=sys.stderr)
        here = {o.attack.name: o for o in grade_all(wanted, trusted, root)}
        safe = [a for a in wanted if a.name not in TOO_HARMFUL]
        there = {o.attack.name: o for o in grade_all(safe, KernelEngine(), root)}
    print(f"{'attack':30} {'kernel':>7} {'trusted':>8} {'deserved':>9}   learnt in the kernel / here")
    for a in wanted:
        kernel, ours = there.get(a.name), here[a.name]
        points = "ungraded" if kernel and kernel.result.fault else f"{kernel.points:g}" if kernel else "not run"
        learnt = f"{', '.join(kernel.learnt) if kernel else ''} / {', '.join(ours.learnt)}"
        print(f"{a.name:30} {points:>7} {ours.points:>8g} {a.deserves:>9g}   {learnt}")
    fooled = [o for o in there.values() if o.points > max(HONEST_PART, o.attack.deserves) or o.learnt]
    print(
        f"\n{len(wanted)} attacks; {len(fooled)} of {len(safe)} tried fooled the shared kernel or learnt from it; ",
        end="",
    )
    wrong = [o for o in here.values() if o.points != o.attack.deserves or o.learnt]
    print(f"{len(wrong)} of {len(wanted)} the trusted engine")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
