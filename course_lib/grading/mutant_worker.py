"""Runs in a process of its own: judges references, kept answers and mutants of one assignment, one line of JSON each.

``python -m course_lib.grading.mutant_worker ASSIGNMENT`` reads ``{"seeds": [...], "seconds": s, "skip": [...]}``
from stdin. The parent kills it when one answer takes too long, and starts it again with that answer to skip.
"""

from __future__ import annotations

import importlib
import inspect
import json
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .mutation import Mutant, mutants


class OutOfTime(BaseException):
    """Raised by the alarm; not an Exception, so that an answer's own handlers let it pass."""


def main() -> None:
    assignment = sys.argv[1]
    order = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    # Prints of an answer must not mix with the lines the parent reads.
    lines, sys.stdout = sys.stdout, sys.stderr
    signal.signal(signal.SIGALRM, _out_of_time)
    for name, facts, judged in _candidates(assignment, order["exercises"]):
        if name in order["skip"]:
            continue
        print(json.dumps({"start": name} | facts), file=lines, flush=True)
        messages = judged(order["seeds"], order["seconds"])
        print(json.dumps({"name": name, "messages": messages} | facts), file=lines, flush=True)
    print(json.dumps({"end": True}), file=lines, flush=True)


def _out_of_time(signum: int, frame: object) -> None:
    raise OutOfTime


# Seeds and seconds in; for each seed the message of the rejection, or None.
Judge = Callable[[list[int], float], list[str | None]]


def _candidates(assignment: str, only: list[str] | None) -> Iterator[tuple[str, dict[str, Any], Judge]]:
    """(name, facts, judge) of everything there is to try."""
    hidden = importlib.import_module("tests.hidden")
    answers = importlib.import_module("tests.wrong_answers")
    wrong, right = answers.wrong_answers(assignment), answers.right_answers(assignment)

    def judged_by(exercise: str, make: Callable[[], Any]) -> Judge:
        return lambda seeds, seconds: [_judge(hidden, assignment, exercise, make, seed, seconds) for seed in seeds]

    for exercise, where in hidden.module_of(assignment).REFERENCES.items():
        if only and exercise not in only:
            continue
        reference = getattr(importlib.import_module(where), exercise)
        facts = {"exercise": exercise, "before": "", "after": ""}
        yield f"reference {exercise}", facts | {"kind": "reference"}, judged_by(exercise, partial(_same, reference))
        for kind, kept in (("wrong", wrong), ("right", right)):
            for answer in kept.get(exercise, []):
                more = {"kind": kind, "answer": answer.name, "says": answer.says}
                make = partial(_same, answer.function)
                yield f"{kind} {exercise} {answer.name}", facts | more, judged_by(exercise, make)
        for mutant in mutants(inspect.getsource(reference)):
            more = {"kind": "mutant", "before": mutant.before, "after": mutant.after}
            yield mutant.id, facts | more, judged_by(exercise, partial(build, reference, mutant))


def _same(function: Any) -> Any:
    return function


def build(reference: Any, mutant: Mutant) -> Any:
    """The mutant as a function among the names of its reference's module."""
    namespace = dict(vars(sys.modules[reference.__module__]))
    exec(compile(mutant.source, f"<mutant {mutant.id}>", "exec"), namespace)
    return namespace[reference.__name__]


def _judge(
    hidden: Any, assignment: str, exercise: str, make: Callable[[], Any], seed: int, seconds: float
) -> str | None:
    """The message of the rejection, or None if the answer was accepted."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        hidden.judge(assignment, seed=seed, **{exercise: make()})
    except OutOfTime:
        return f"still running after {seconds:g} s"
    except hidden.SourceFault:
        raise
    except Exception as error:
        return str(error) or type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


if __name__ == "__main__":
    main()
