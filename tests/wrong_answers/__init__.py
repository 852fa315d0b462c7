"""Wrong answers we keep, right answers written differently, and mutants that no test can tell from the original.

One module per assignment (`a2_rnn.py` for a2-rnn)::

    @wrong("rnn_step", says="h_prev")       # a phrase that the failing message must contain
    def forgets_the_past(x_t, h_prev, W_xh, W_hh, b_h): ...

    @right("rnn_step")
    def one_concatenated_product(x_t, h_prev, W_xh, W_hh, b_h): ...

    EQUIVALENT = {"rnn_step": {"rnn_step:L1:...": "why no test can tell"}}
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Answer:
    """One kept answer to an exercise; `says` is None for right ones."""

    exercise: str
    name: str
    function: Callable[..., Any]
    says: str | None


def wrong(exercise: str, *, says: str) -> Callable[[F], F]:
    """Mark a plausible wrong answer; the message that rejects it must contain `says`."""
    return _keep(exercise, says)


def right(exercise: str) -> Callable[[F], F]:
    """Mark a right answer that is written differently from the reference."""
    return _keep(exercise, None)


def wrong_answers(assignment: str) -> dict[str, list[Answer]]:
    return _answers(assignment, wanted=lambda answer: answer.says is not None)


def right_answers(assignment: str) -> dict[str, list[Answer]]:
    return _answers(assignment, wanted=lambda answer: answer.says is None)


def equivalent(assignment: str) -> dict[str, dict[str, str]]:
    """Exercise -> mutant id -> why it is no mistake."""
    return dict(getattr(_module(assignment), "EQUIVALENT", {}))


def _keep(exercise: str, says: str | None) -> Callable[[F], F]:
    def mark(function: F) -> F:
        function.__answer__ = Answer(exercise, function.__name__, function, says)  # type: ignore[attr-defined]
        return function

    return mark


def _module(assignment: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{assignment.replace('-', '_')}")


def _answers(assignment: str, wanted: Callable[[Answer], bool]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for value in vars(_module(assignment)).values():
        if (inspect.isfunction(value) or inspect.isclass(value)) and isinstance(
            getattr(value, "__answer__", None), Answer
        ):
            answer = value.__answer__
            if wanted(answer):
                found.setdefault(answer.exercise, []).append(answer)
    return found
