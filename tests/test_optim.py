"""Optimisers step as PyTorch's do, and clipping keeps the direction."""

import numpy as np
import pytest
import torch

from course_lib.optim import SGD, AdaGrad, Adam, clip_by_global_norm, clip_by_value, global_norm

PAIRS = {
    "SGD": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "SGD with momentum": (lambda: SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "AdaGrad": (lambda: AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1, eps=1e-8)),
    "Adam": (lambda: Adam(0.01), lambda p: torch.optim.Adam(p, 0.01)),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_steps_are_those_of_torch(pair, rng):
    ours, theirs = PAIRS[pair]
    params = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    twins = {name: torch.from_numpy(p.copy()).requires_grad_(True) for name, p in params.items()}
    optimiser, twin = ours(), theirs(list(twins.values()))
    for _ in range(5):
        grads = {name: rng.normal(size=p.shape) for name, p in params.items()}
        for name, p in twins.items():
            p.grad = torch.from_numpy(grads[name])
        optimiser.step(params, grads)
        twin.step()
    for name, p in params.items():
        np.testing.assert_allclose(p, twins[name].detach().numpy(), rtol=1e-12, err_msg=name)


def test_parameters_change_in_place_and_only_where_there_is_a_gradient():
    W, b = np.ones(2), np.ones(2)
    SGD(0.5).step({"W": W, "b": b}, {"W": np.ones(2)})
    assert W.tolist() == [0.5, 0.5] and b.tolist() == [1.0, 1.0]


def test_a_gradient_without_parameter_is_refused():
    with pytest.raises(ValueError, match="xs"):
        Adam().step({"W": np.zeros(1)}, {"xs": np.zeros(1)})


def test_clipping_keeps_direction_and_leaves_short_gradients_alone(rng):
    grads = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    clipped, norm = clip_by_global_norm(grads, 0.5)
    assert norm == pytest.approx(np.sqrt(sum((g**2).sum() for g in grads.values())))
    assert global_norm(clipped) == pytest.approx(0.5)
    for name in grads:
        np.testing.assert_allclose(clipped[name] * norm / 0.5, grads[name])
    untouched, _ = clip_by_global_norm(grads, 100.0)
    assert all(np.array_equal(untouched[name], grads[name]) for name in grads)


def test_clipping_measures_what_single_precision_cannot_square():
    clipped, norm = clip_by_global_norm({"W": np.full(4, 1e30, np.float32)}, 1.0)
    assert norm == pytest.approx(2e30)
    np.testing.assert_allclose(clipped["W"], 0.5)
    assert clipped["W"].dtype == np.float32


def test_a_gradient_that_is_not_a_number_stops_training_with_a_reason():
    with pytest.raises(ValueError, match=r"nan.*learning rate"):
        clip_by_global_norm({"W": np.array([np.nan])}, 1.0)


def test_clipping_by_value_is_that_of_torch(rng):
    grads = {"W": 3 * rng.normal(size=(3, 2)), "b": 3 * rng.normal(size=4)}
    kept = {name: g.copy() for name, g in grads.items()}
    clipped = clip_by_value(grads, 1.5)
    for name, g in grads.items():
        p = torch.zeros(g.shape, dtype=torch.float64, requires_grad=True)
        p.grad = torch.from_numpy(g.copy())
        torch.nn.utils.clip_grad_value_([p], 1.5)
        np.testing.assert_array_equal(clipped[name], p.grad.numpy(), err_msg=name)
        np.testing.assert_array_equal(g, kept[name], err_msg=f"{name} was changed in place")


def test_clipping_by_value_may_turn_the_step_and_clipping_by_norm_never_does():
    grads = {"W": np.array([10.0, 1.0])}
    assert clip_by_value(grads, 1.0)["W"].tolist() == [1.0, 1.0]
    by_norm = clip_by_global_norm(grads, 1.0)[0]["W"]
    assert by_norm[0] / by_norm[1] == pytest.approx(10)


def test_clipping_by_value_keeps_single_precision_and_bounds_infinity():
    clipped = clip_by_value({"W": np.array([np.inf, -np.inf], np.float32)}, 2.0)["W"]
    assert clipped.tolist() == [2.0, -2.0] and clipped.dtype == np.float32
