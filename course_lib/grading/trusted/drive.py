"""Train or differentiate a student's PyTorch module in the student's process, and get arrays back.

Autograd cannot cross processes: a tensor that arrives in the checker has no history, and an optimiser there cannot move
parameters that live elsewhere. So the loop runs on the student's side (`inside.loops`, part of the student edition) and
the test judges the numbers that return. The same calls work on a class in the same process, so a hidden test runs on
the reference, on kept wrong answers and on a student's class alike::

    from course_lib.grading.trusted.drive import differentiate, train

    def test_it_learns_a_line(Line, rng):
        xs, ys = ...
        run = train(Line, inputs=xs, targets=ys, args=(3,), state=START, steps=200, rate=0.1)
        assert mse(xs_new @ run.parameters["weight"].T + run.parameters["bias"], ys_new) < 1e-3, "..."

A test must recompute what it judges by. The student's process can return any numbers it likes, so `losses` that fall
prove nothing. What cannot be forged without solving the task:

- parameters, put into the test's own NumPy or torch formula on data that the student's process has not seen;
- outputs and gradients for parameters (`state`) and inputs that the test has drawn, against the test's own values.

Import this in a test cell or in `tests/hidden`, which run in the checker; in any other cell of a notebook it is not
there while grading, as nothing of the grader is. The assignment's `course.allow` must list torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inside import loops
from .proxies import Remote, StudentError, loop_of


@dataclass(frozen=True)
class Run:
    """What came back, all NumPy arrays; a missing gradient is None.

    `outputs`, `gradients` and `input_gradients` belong to the first step, the others to the state after the last.
    """

    losses: np.ndarray
    parameters: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray | None]
    input_gradients: tuple[np.ndarray | None, ...]
    outputs: np.ndarray
    trained_outputs: np.ndarray


def train(
    make: Callable[..., Any],
    *,
    inputs: Any,
    targets: Any,
    steps: int,
    args: tuple[Any, ...] = (),
    state: Mapping[str, np.ndarray] | None = None,
    loss: Any = "mse",
    optimizer: str = "SGD",
    rate: float = 0.1,
    seed: int = 0,
) -> Run:
    """Train ``make(*args)`` for `steps` steps on one batch.

    Parameters
    ----------
    make : the student's class, a function that returns a module, or a module of the student's
    inputs : array, or tuple of arrays for a module of several arguments
    state : parameters to start from, by name; drawn by the module itself with torch's seed when left out
    loss : "mse", "cross_entropy", "sum" (of outputs times `targets`), or a function of the student's
    optimizer : "SGD" or "Adam"
    """
    if isinstance(loss, str) and loss not in loops.LOSSES:
        raise ValueError(f'loss is "{loss}"; expected one of {", ".join(loops.LOSSES)}, or a function')
    if optimizer not in loops.OPTIMIZERS:
        raise ValueError(f'optimizer is "{optimizer}"; expected one of {", ".join(loops.OPTIMIZERS)}')
    settings = {
        "steps": int(steps),
        "state": None if state is None else {name: np.array(value) for name, value in state.items()},
        "loss": loss,
        "optimizer": optimizer,
        "rate": float(rate),
        "seed": int(seed),
    }
    raw = _there(make)(make, tuple(args), _copied(inputs), _copied(targets), **settings)
    return _read(raw, int(steps))


def differentiate(make: Callable[..., Any], *, inputs: Any, targets: Any, loss: Any = "sum", **more: Any) -> Run:
    """One forward and one backward pass, no step: outputs, and gradients by parameter and by input."""
    return train(make, inputs=inputs, targets=targets, loss=loss, steps=0, **more)


def _copied(value: Any) -> Any:
    """Never the test's own arrays: what is sent as an argument may be changed by the other side."""
    if isinstance(value, tuple):
        return tuple(_copied(v) for v in value)
    return None if value is None else np.array(value)


def _there(make: Any) -> Callable[..., Any]:
    """`loops.run` where `make` lives."""
    return loop_of(make, "run") if isinstance(make, Remote) else loops.run


def _read(raw: Any, steps: int) -> Run:
    """Exactly the kinds of values promised, or the run counts for nothing."""
    try:
        if type(raw) is not dict:
            raise TypeError
        losses = np.array(raw["losses"], dtype=float)
        parameters = {_name(k): _number(v) for k, v in raw["parameters"].items()}
        gradients = {_name(k): None if v is None else _number(v) for k, v in raw["gradients"].items()}
        inputs = tuple(None if v is None else _number(v) for v in raw["input_gradients"])
        run = Run(losses, parameters, gradients, inputs, _number(raw["outputs"]), _number(raw["trained_outputs"]))
    except (TypeError, KeyError, ValueError, AttributeError, StudentError):
        raise AssertionError("the training run returned something that is no result") from None
    if run.losses.shape != (steps,) or set(parameters) != set(gradients):
        raise AssertionError("the training run returned something that is no result")
    return run


def _name(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _number(value: Any) -> np.ndarray:
    if type(value) is not np.ndarray or value.dtype.kind not in "fiub":
        raise TypeError
    return value
