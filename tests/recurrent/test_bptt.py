"""Backpropagation through time for any step, cut short, and measured on its way: definitions, PyTorch, limits."""

import numpy as np
import pytest
import torch

from course_lib.gradcheck import check_gradients, relative_error
from course_lib.recurrent import (
    backward_through_time,
    forward_through_time,
    gradient_norms_over_time,
    jacobian_product_norms,
    rnn_backward,
    rnn_forward,
    rnn_step,
    rnn_step_backward,
    truncated_backward,
)

T, B, D, H = 6, 3, 4, 5
SHAPES = {"xs": (T, B, D), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,), "h_0": (B, H)}


@pytest.fixture
def args(rng):
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def split(args):
    """The same arguments as the functions for any step take them."""
    return args["xs"], args["h_0"], {name: args[name] for name in ("W_xh", "W_hh", "b_h")}


def test_any_step_with_the_rnn_for_a_step_is_the_rnn(args, rng):
    xs, h_0, params = split(args)
    hs = forward_through_time(rnn_step, xs, h_0, params)
    np.testing.assert_allclose(hs, rnn_forward(**args), rtol=1e-12)
    dhs = rng.normal(size=hs.shape)
    grads, expected = backward_through_time(rnn_step_backward, dhs, hs, xs, h_0, params), rnn_backward(dhs, hs, **args)
    assert grads.keys() == expected.keys() | {"hs"}
    for name in expected:
        np.testing.assert_allclose(grads[name], expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_cell_of_another_kind_agrees_with_finite_differences(rng):
    # A multiplicative cell: nothing in it is a tanh or has a bias.
    def step(x_t, h_prev, W, u):
        return (x_t @ W) * h_prev + u * h_prev

    def step_backward(dh_t, h_t, x_t, h_prev, W, u):
        dz = dh_t * h_prev
        return {
            "x_t": dz @ W.T,
            "h_prev": dh_t * (x_t @ W + u),
            "W": x_t.T @ dz,
            "u": (dh_t * h_prev).sum(axis=0),
        }

    args = {"xs": rng.normal(size=(T, B, D)), "h_0": rng.normal(size=(B, H))}
    params = {"W": rng.normal(size=(D, H)), "u": rng.normal(size=H)}
    dhs = rng.normal(size=(T, B, H))
    hs = forward_through_time(step, **args, params=params)
    grads = backward_through_time(step_backward, dhs, hs, **args, params=params)
    errors = check_gradients(
        lambda: np.sum(dhs * forward_through_time(step, **args, params=params)),
        args | params,
        {name: grads[name] for name in (*args, *params)},
    )
    assert max(errors.values()) < 1e-8, errors


def test_the_whole_gradient_at_each_state_is_that_of_torch(args, rng):
    xs, h_0, params = split(args)
    dhs = rng.normal(size=(T, B, H))
    weights = {name: torch.from_numpy(p) for name, p in params.items()}
    h_t, states = torch.from_numpy(h_0), []
    for x_t in torch.from_numpy(xs):
        h_t = torch.tanh(x_t @ weights["W_xh"] + h_t @ weights["W_hh"] + weights["b_h"]).requires_grad_(True)
        h_t.retain_grad()
        states.append(h_t)
    sum((dh * h).sum() for dh, h in zip(torch.from_numpy(dhs), states, strict=True)).backward()
    hs = forward_through_time(rnn_step, xs, h_0, params)
    totals = backward_through_time(rnn_step_backward, dhs, hs, xs, h_0, params)["hs"]
    assert relative_error(totals, np.stack([h.grad.numpy() for h in states])) < 1e-12


@pytest.mark.parametrize("k", [1, 2, 4, T])
def test_truncated_gradients_are_those_of_windows_of_k_steps(k, args, rng):
    # The definition: step t's loss as a function of the last k steps, the state before them held constant.
    dhs, kept = rng.normal(size=(T, B, H)), rnn_forward(**args)

    def loss():
        total = 0.0
        for t in range(T):
            start = max(0, t - k + 1)
            window = args | {"xs": args["xs"][start : t + 1], "h_0": kept[start - 1] if start else args["h_0"]}
            total += np.sum(dhs[t] * rnn_forward(**window)[-1])
        return total

    grads = truncated_backward(dhs, kept, **args, k=k)
    assert grads.keys() == args.keys()
    errors = check_gradients(loss, args, grads)
    assert max(errors.values()) < 1e-9, errors


@pytest.mark.parametrize("with_h_0", [True, False])
@pytest.mark.parametrize("k", [T, T + 3])
def test_truncation_beyond_the_sequence_is_none(k, with_h_0, args, rng):
    if not with_h_0:
        del args["h_0"]
    hs = rnn_forward(**args)
    dhs = rng.normal(size=hs.shape)
    whole, cut = rnn_backward(dhs, hs, **args), truncated_backward(dhs, hs, **args, k=k)
    for name in whole:
        np.testing.assert_allclose(cut[name], whole[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_loss_reaches_k_inputs_and_no_more(args):
    hs = rnn_forward(**args)
    dhs = np.zeros_like(hs)
    dhs[4] = 1.0
    reached = np.abs(truncated_backward(dhs, hs, **args, k=3)["xs"]).max(axis=(1, 2)) > 0
    assert reached.tolist() == [False, False, True, True, True, False]


def test_truncation_leaves_its_arguments_alone(args, rng):
    hs, dhs = rnn_forward(**args), rng.normal(size=(T, B, H))
    kept = [a.copy() for a in (hs, dhs, *args.values())]
    truncated_backward(dhs, hs, **args, k=3)
    assert all(np.array_equal(a, b) for a, b in zip(kept, (hs, dhs, *args.values()), strict=True))


def test_jacobian_norms_are_those_of_torchs_jacobians(args):
    xs, _, params = split(args)
    hs = rnn_forward(**args)
    W_xh, W_hh, b_h = (torch.from_numpy(params[name]) for name in ("W_xh", "W_hh", "b_h"))
    norms = jacobian_product_norms(hs, params["W_hh"])
    for b in range(B):
        for k in range(T):

            def last(h, b=b, k=k):
                for x_t in torch.from_numpy(xs[k + 1 :, b]):
                    h = torch.tanh(x_t @ W_xh + h @ W_hh + b_h)
                return h

            jacobian = torch.autograd.functional.jacobian(last, torch.from_numpy(hs[k, b]))
            assert norms[k, b] == pytest.approx(np.linalg.norm(jacobian.numpy(), ord=2), rel=1e-9), (k, b)


def test_jacobian_norms_stay_below_the_bound_by_the_weights(args):
    hs = rnn_forward(**args)
    bound = np.linalg.norm(args["W_hh"], ord=2) ** np.arange(T - 1, -1, -1)
    assert (jacobian_product_norms(hs, args["W_hh"]) <= bound[:, None] * (1 + 1e-12)).all()


def test_an_orthogonal_turn_at_state_zero_keeps_every_gradient(rng):
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    np.testing.assert_allclose(jacobian_product_norms(np.zeros((9, 2, H)), Q), 1.0)
    np.testing.assert_allclose(jacobian_product_norms(np.zeros((9, 2, H)), 0.9 * Q)[0], 0.9**8)


def test_a_gradient_on_its_way_back_is_never_longer_than_the_jacobians_allow(args, rng):
    xs, h_0, params = split(args)
    hs, dh_T = rnn_forward(**args), rng.normal(size=(B, H))
    norms = gradient_norms_over_time(rnn_step_backward, dh_T, hs, xs, h_0, params)
    longest = np.linalg.norm(dh_T, axis=-1)
    np.testing.assert_allclose(norms[-1], longest)
    assert (norms <= longest * jacobian_product_norms(hs, params["W_hh"]) * (1 + 1e-12)).all()
    dhs = np.zeros_like(hs)
    dhs[-1] = dh_T
    first = rnn_backward(dhs[1:], hs[1:], xs[1:], **params, h_0=hs[0])["h_0"]
    np.testing.assert_allclose(norms[0], np.linalg.norm(first, axis=-1))
