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
    for name, make in _candidates(assignment, order["exercises"]):
        if name in order["skip"]:
            continue
        print(json.dumps({"start": name}), file=lines, flush=True)
        print(json.dumps({"name": name} | make(order["seeds"], order["seconds"])), file=lines, flush=True)
    print(json.dumps({"end": True}), file=lines, flush=True)


def _out_of_time(signum: int, frame: object) -> None:
    raise OutOfTime


Run = Callable[[list[int], float], dict[str, Any]]


def _candidates(assignment: str, only: list[str] | None) -> Iterator[tuple[str, Run]]:
    hidden = importlib.import_module("tests.hidden")
    answers = importlib.import_module("tests.wrong_answers")
    module = hidden.module_of(assignment)
    wrong, right = answers.wrong_answers(assignment), answers.right_answers(assignment)

    def run(exercise: str, kind: str, make: Callable[[], Any], **extra: Any) -> Run:
        def judged(seeds: list[int], seconds: float) -> dict[str, Any]:
            messages = []
            for seed in seeds:
                messages.append(_judge(hidden, assignment, exercise, make, seed, seconds))
            return {"exercise": exercise, "kind": kind, "messages": messages} | extra

        return judged

    for exercise, where in module.REFERENCES.items():
        if only and exercise not in only:
            continue
        reference = getattr(importlib.import_module(where), exercise)
        yield f"reference {exercise}", run(exercise, "reference", lambda f=reference: f)
        for answer in wrong.get(exercise, []):
            make = lambda f=answer.function: f  # noqa: E731
            yield f"wrong {exercise} {answer.name}", run(exercise, "wrong", make, answer=answer.name, says=answer.says)
        for answer in right.get(exercise, []):
            make = lambda f=answer.function: f  # noqa: E731
            yield f"right {exercise} {answer.name}", run(exercise, "right", make, answer=answer.name)
        for mutant in mutants(inspect.getsource(reference)):
            yield (
                mutant.id,
                run(
                    exercise,
                    "mutant",
                    lambda f=reference, m=mutant: build(f, m),
                    before=mutant.before,
                    after=mutant.after,
                ),
            )


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
