"""The RNN against its own stepwise form, finite differences, PyTorch, and limits that can be worked out by hand."""

import numpy as np
import pytest
import torch

from course_lib.gradcheck import check_gradients, relative_error
from course_lib.nn.convert import rnn_to_torch
from course_lib.recurrent import (
    init_rnn,
    rnn_backward,
    rnn_backward_stepwise,
    rnn_forward,
    rnn_forward_stepwise,
    rnn_step,
    rnn_step_backward,
)

T, B, D, H = 6, 3, 4, 5
STEP_SHAPES = {"x_t": (B, D), "h_prev": (B, H), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
SEQUENCE_SHAPES = {"xs": (T, B, D), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,), "h_0": (B, H)}


def draw(shapes, rng):
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_step_gives_the_numbers_worked_out_on_paper():
    W_xh, W_hh = np.array([[1.0, 0], [0, 1], [-1, 1]]), np.array([[0.5, -1], [1, 0.5]])
    h_1 = rnn_step(np.array([[0.0, 0, 1]]), np.zeros((1, 2)), W_xh, W_hh, np.zeros(2))
    np.testing.assert_allclose(h_1, [[-0.76159416, 0.76159416]], atol=1e-8)


def test_initial_weights_stay_within_the_bound_and_follow_the_seed(rng):
    params = init_rnn(20, 100, rng)
    assert all(np.abs(p).max() <= 0.1 for p in params.values())
    assert np.abs(params["W_hh"]).max() > 0.099
    again = init_rnn(20, 100, np.random.default_rng(20260101))
    assert all(np.array_equal(params[name], again[name]) for name in params)


@pytest.mark.parametrize("name", STEP_SHAPES)
def test_step_backward_agrees_with_finite_differences(name, rng):
    args = draw(STEP_SHAPES, rng)
    dh_t = rng.normal(size=(B, H))  # random: all-ones would forgive rows used in the wrong order
    grads = rnn_step_backward(dh_t, rnn_step(**args), **args)
    errors = check_gradients(lambda: np.sum(dh_t * rnn_step(**args)), args, {name: grads[name]})
    assert errors[name] < 1e-9


@pytest.mark.parametrize("name", SEQUENCE_SHAPES)
def test_backward_agrees_with_finite_differences(name, rng):
    args = draw(SEQUENCE_SHAPES, rng)
    dhs = rng.normal(size=(T, B, H))
    grads = rnn_backward(dhs, rnn_forward(**args), **args)
    errors = check_gradients(lambda: np.sum(dhs * rnn_forward(**args)), args, {name: grads[name]})
    assert errors[name] < 1e-9


@pytest.mark.parametrize("with_h_0", [True, False])
@pytest.mark.parametrize("length", [1, 2, T])
def test_fast_and_stepwise_forms_agree(length, with_h_0, rng):
    args = draw(SEQUENCE_SHAPES, rng)
    args["xs"] = args["xs"][:length]
    if not with_h_0:
        del args["h_0"]
    hs = rnn_forward(**args)
    np.testing.assert_allclose(hs, rnn_forward_stepwise(**args), rtol=1e-12)
    dhs = rng.normal(size=hs.shape)
    fast, clear = rnn_backward(dhs, hs, **args), rnn_backward_stepwise(dhs, hs, **args)
    assert fast.keys() == clear.keys() == SEQUENCE_SHAPES.keys()
    for name in fast:
        np.testing.assert_allclose(fast[name], clear[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_states_and_gradients_are_those_of_torch(rng):
    args = draw(SEQUENCE_SHAPES, rng)
    params = {name: args[name] for name in ("W_xh", "W_hh", "b_h")}
    module = rnn_to_torch(params)
    xs, h_0 = (torch.from_numpy(args[name]).requires_grad_(True) for name in ("xs", "h_0"))
    theirs, _ = module(xs, h_0[None])
    hs = rnn_forward(**args)
    assert relative_error(hs, theirs.detach().numpy()) < 1e-12

    dhs = rng.normal(size=hs.shape)
    theirs.backward(torch.from_numpy(dhs))
    grads = rnn_backward(dhs, hs, **args)
    expected = {
        "xs": xs.grad,
        "h_0": h_0.grad,
        "W_xh": module.weight_ih_l0.grad.T,
        "W_hh": module.weight_hh_l0.grad.T,
        "b_h": module.bias_ih_l0.grad,
    }
    for name, grad in expected.items():
        assert relative_error(grads[name], grad.numpy()) < 1e-12, name


def test_backward_leaves_states_and_gradients_as_they_were(rng):
    args = draw(SEQUENCE_SHAPES, rng)
    hs, dhs = rnn_forward(**args), rng.normal(size=(T, B, H))
    kept = [a.copy() for a in (hs, dhs, *args.values())]
    rnn_backward(dhs, hs, **args)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (hs, dhs, *args.values()), strict=True))


def test_single_precision_stays_single(rng):
    params = init_rnn(D, H, rng, dtype=np.float32)
    xs = rng.normal(size=(T, B, D)).astype(np.float32)
    hs = rnn_forward(xs, **params)
    assert hs.dtype == np.float32
    assert {g.dtype for g in rnn_backward(hs, hs, xs, **params).values()} == {np.dtype(np.float32)}


def test_without_recurrent_weights_every_step_stands_alone(rng):
    args = draw(SEQUENCE_SHAPES, rng) | {"W_hh": np.zeros((H, H))}
    np.testing.assert_allclose(rnn_forward(**args), np.tanh(args["xs"] @ args["W_xh"] + args["b_h"]), rtol=1e-12)
