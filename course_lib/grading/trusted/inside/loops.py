"""Loops around a student's module that must run where the module lives, since autograd cannot cross processes.

The trusted side calls these through `trusted.drive` and gets numbers back. It must not believe them more than any
other answer: code in this process can make them say anything. See `trusted.drive` for what to recompute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LOSSES = ("mse", "cross_entropy", "sum")
OPTIMIZERS = ("SGD", "Adam")


def build(make: Any, args: tuple[Any, ...], state: dict[str, Any] | None, seed: int) -> Any:
    """The module `make(*args)`, or `make` itself if it is one already, with the parameters of `state` set."""
    import torch

    torch.manual_seed(seed)
    module = make if isinstance(make, torch.nn.Module) else make(*args)
    own = dict(module.named_parameters())
    if state is not None and set(state) != set(own):
        raise ValueError(f"its parameters are called {sorted(own)}; expected {sorted(state)}")
    for name, value in (state or {}).items():
        if tuple(own[name].shape) != tuple(value.shape):
            raise ValueError(f"{name} has shape {tuple(own[name].shape)}; expected {tuple(value.shape)}")
        own[name].data = torch.as_tensor(value).to(own[name].dtype).clone()
    return module


def run(
    make: Any,
    args: tuple[Any, ...],
    inputs: Any,
    targets: Any,
    *,
    steps: int,
    state: dict[str, Any] | None,
    loss: Any,
    optimizer: str,
    rate: float,
    seed: int,
) -> dict[str, Any]:
    """Train for `steps` steps on one batch; see `trusted.drive.train`."""
    import torch

    module = build(make, args, state, seed)
    xs, ys = _tensor(inputs), _tensor(targets)
    judge = _loss(loss)
    parameters = dict(module.named_parameters())
    stepper = getattr(torch.optim, optimizer)(list(parameters.values()), lr=rate) if steps else None
    losses, gradients = [], {}
    for k in range(max(1, steps)):
        module.zero_grad()
        for x in xs if isinstance(xs, tuple) else (xs,):
            x.grad = None
        outputs = module(*xs) if isinstance(xs, tuple) else module(xs)
        value = judge(outputs, ys)
        value.backward()
        if k == 0:
            gradients = {name: _array(p.grad) for name, p in parameters.items()}
            first = _array(outputs)
        if stepper is not None:
            losses.append(float(value.detach()))
            stepper.step()
    with torch.no_grad():
        last = _array(module(*xs) if isinstance(xs, tuple) else module(xs))
    moved = [_array(x.grad) for x in (xs if isinstance(xs, tuple) else (xs,))]
    return {
        "losses": losses,
        "parameters": {name: _array(p) for name, p in parameters.items()},
        "gradients": gradients,
        "input_gradients": moved,
        "outputs": first,
        "trained_outputs": last,
    }


def _tensor(value: Any) -> Any:
    """Leaves that collect gradients, of the same type as the arrays they are made from."""
    import torch

    if isinstance(value, tuple):
        return tuple(_tensor(v) for v in value)
    if value is None:
        return None
    tensor = torch.as_tensor(value).clone()
    return tensor.requires_grad_(tensor.is_floating_point())


def _array(value: Any) -> Any:
    return None if value is None else value.detach().clone().numpy()


def _loss(loss: Any) -> Callable[[Any, Any], Any]:
    import torch

    if callable(loss):
        return loss
    if loss == "sum":
        # The targets weigh the outputs, so one backward pass gives any product of the Jacobian with a vector.
        return lambda outputs, weights: (outputs * weights.detach()).sum()
    detached = {"mse": torch.nn.functional.mse_loss, "cross_entropy": torch.nn.functional.cross_entropy}[loss]
    return lambda outputs, targets: detached(outputs, targets.detach())


CALLABLE = {"run": run}
