"""Hidden tests: ordinary functions that take the function they judge as their first argument.

One module per assignment (`a2_rnn.py` for a2-rnn) holds functions `test_<sentence>(EXERCISE)` or
`test_<sentence>(EXERCISE, rng)`. The name of the first parameter says which exercise is judged. A test raises
AssertionError with a message that names the likely slip. The constant `REFERENCES` maps each exercise to the
module in which its reference lives.

A notebook calls them by one line, ``assert judge("a2-rnn", rnn_step=rnn_step)``. An exercise with several parts, such
as a class, may have a line for each, so that a slip in one costs that part alone: ``judge("a1-sequences", "encode",
Vocabulary=Vocabulary)`` runs the tests whose names hold the word.
"""

from __future__ import annotations

import importlib
import inspect
import os
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

Test = Callable[..., None]


class SourceFault(Exception):
    """The tests themselves are at fault, not the function they were given."""


def module_of(assignment: str) -> ModuleType:
    """The module with an assignment's hidden tests."""
    name = f"{__name__}.{assignment.replace('-', '_')}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SourceFault(
            f'no hidden tests for "{assignment}": expected {name.replace(".", "/")}.py ({error})'
        ) from error


def hidden_tests(assignment: str) -> dict[str, list[Test]]:
    """The tests of an assignment by exercise, in the order in which they are written."""
    module = module_of(assignment)
    tests: dict[str, list[Test]] = {name: [] for name in getattr(module, "REFERENCES", {})}
    for name, function in vars(module).items():
        if not name.startswith("test_") or not inspect.isfunction(function):
            continue
        if function.__module__ != module.__name__:
            continue
        exercise = next(iter(inspect.signature(function).parameters))
        tests.setdefault(exercise, []).append(function)
    return tests


def references(assignment: str) -> dict[str, Callable[..., Any]]:
    """The reference function of every exercise, as named by REFERENCES."""
    found = {}
    for exercise, module in module_of(assignment).REFERENCES.items():
        found[exercise] = getattr(importlib.import_module(module), exercise)
    return found


def chosen(tests: list[Test], part: str = "") -> list[Test]:
    """The tests with this word in their names, or all."""
    return [test for test in tests if not part or part in test.__name__.split("_")[1:]]


def judge(assignment: str, part: str = "", *, seed: int | None = None, **functions: Callable[..., Any]) -> bool:
    """Run the hidden tests of each given function or class: True, or the first failing test's AssertionError.

    With `part`, only the tests with this word in their names.

    The random inputs of a test depend on `seed` and on the test's name; without a seed it is taken from the
    environment variable COURSE_SEED, which the grader sets for each student.
    """
    if seed is None:
        seed = int(os.environ.get("COURSE_SEED", "0"))
    tests = hidden_tests(assignment)
    for exercise, function in functions.items():
        if not tests.get(exercise):
            raise SourceFault(f'no hidden tests for "{exercise}" in {assignment}; there are: {", ".join(tests)}')
        if not chosen(tests[exercise], part):
            raise SourceFault(f'no hidden test of "{exercise}" in {assignment} has the word "{part}" in its name')
        for test in chosen(tests[exercise], part):
            run_test(test, exercise, function, seed)
    return True


def run_test(test: Test, exercise: str, function: Callable[..., Any], seed: int) -> None:
    """One test on one function; whatever goes wrong becomes an AssertionError that speaks of the function."""
    arguments: list[Any] = [function]
    if "rng" in inspect.signature(test).parameters:
        arguments.append(np.random.default_rng([seed, zlib.crc32(test.__name__.encode())]))
    # Warnings are a matter of taste, and on stderr they would only be noise.
    with np.errstate(all="ignore"):
        try:
            test(*arguments)
        except Exception as error:
            if _came_from(error, exercise, function):
                text = f"{exercise} raised {type(error).__name__}: {error}".rstrip(": ")
            elif isinstance(error, AssertionError):
                raise
            elif "NoneType" in str(error):
                text = f"{exercise} returned None, or None among its results: is a return missing?"
            else:
                text = (
                    f"{exercise} returned something that could not be checked: look at its type and shape "
                    f"({type(error).__name__}: {error})"
                )
            raise AssertionError(text) from error


def _came_from(error: BaseException, exercise: str, function: Callable[..., Any]) -> bool:
    """Whether the error was raised inside the given function, or by calling it with the agreed arguments."""
    own_names = {exercise, getattr(function, "__name__", exercise), getattr(function, "__qualname__", exercise)}
    called_wrongly = isinstance(error, TypeError) and str(error).startswith(
        tuple(f"{name}{mark}" for name in own_names for mark in "(.")
    )
    codes = _codes(function)
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return called_wrongly


def _codes(function: Any) -> set[Any]:
    if inspect.isclass(function):
        methods = (getattr(m, "__func__", m) for base in function.__mro__ for m in vars(base).values())
        return {m.__code__ for m in methods if inspect.isfunction(m)}
    code = getattr(inspect.unwrap(function), "__code__", None)
    return {code} if code is not None else set()
