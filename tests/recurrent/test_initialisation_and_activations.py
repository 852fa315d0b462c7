"""Where weights start, and the recurrence with other activations: PyTorch, finite differences, limits."""

import numpy as np
import pytest
import torch

from course_lib.gradcheck import check_gradients, relative_error
from course_lib.nn.convert import rnn_to_torch
from course_lib.recurrent import (
    LINEAR,
    RELU,
    TANH,
    init_irnn,
    orthogonal,
    rnn_backward,
    rnn_forward,
    scale_to_spectral_radius,
    simple_rnn_backward,
    simple_rnn_forward,
)

T, B, D, H = 6, 3, 4, 5
SHAPES = {"xs": (T, B, D), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,), "h_0": (B, H)}


@pytest.fixture
def args(rng):
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def test_orthogonal_matrices_keep_lengths_and_follow_the_seed(rng):
    W = orthogonal(30, rng)
    np.testing.assert_allclose(W @ W.T, np.eye(30), atol=1e-12)
    assert np.array_equal(W, orthogonal(30, np.random.default_rng(20260101)))
    assert orthogonal(3, rng, dtype=np.float32).dtype == np.float32


def test_no_direction_of_an_orthogonal_matrix_is_favoured(rng):
    # QR alone gives every diagonal entry the same sign; drawn evenly, the entries average to zero.
    mean = np.mean([orthogonal(3, rng) for _ in range(4000)], axis=0)
    assert np.abs(mean).max() < 0.05


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_powers_of_a_scaled_matrix_go_as_powers_of_the_radius(radius, rng):
    W = scale_to_spectral_radius(rng.normal(size=(8, 8)), radius)
    growth = np.linalg.norm(np.linalg.matrix_power(W, 400), ord=2) ** (1 / 400)
    assert growth == pytest.approx(radius, rel=0.02)


@pytest.mark.parametrize("W", [np.zeros((2, 2)), np.array([[0.0, 1.0], [0.0, 0.0]])])
def test_a_matrix_whose_powers_vanish_is_refused(W):
    with pytest.raises(ValueError, match=r"no factor makes it 0\.9"):
        scale_to_spectral_radius(W, 0.9)


def test_an_irnn_keeps_what_it_read_and_its_gradient(rng):
    params = init_irnn(D, H, rng, std=1.0)
    xs = np.zeros((50, B, D))
    xs[0] = rng.normal(size=(B, D))
    hs = simple_rnn_forward(xs, **params)
    np.testing.assert_array_equal(hs[-1], hs[0])
    assert hs[0].max() > 0
    h_0 = np.ones((B, H))
    dhs = np.zeros_like(hs)
    dhs[-1] = rng.normal(size=(B, H))
    hs = simple_rnn_forward(0 * xs, **params, h_0=h_0)
    np.testing.assert_allclose(simple_rnn_backward(dhs, hs, 0 * xs, **params, h_0=h_0)["h_0"], dhs[-1])


def test_with_tanh_it_is_the_rnn(args, rng):
    hs = simple_rnn_forward(**args, activation=TANH)
    np.testing.assert_allclose(hs, rnn_forward(**args), rtol=1e-12)
    dhs = rng.normal(size=hs.shape)
    ours, expected = simple_rnn_backward(dhs, hs, **args, activation=TANH), rnn_backward(dhs, hs, **args)
    for name in expected:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_with_relu_it_is_that_of_torch(args, rng):
    params = {name: args[name] for name in ("W_xh", "W_hh", "b_h")}
    module = torch.nn.RNN(D, H, nonlinearity="relu").double()
    module.load_state_dict(rnn_to_torch(params).state_dict())
    xs, h_0 = (torch.from_numpy(args[name]).requires_grad_(True) for name in ("xs", "h_0"))
    theirs, _ = module(xs, h_0[None])
    hs = simple_rnn_forward(**args)
    assert relative_error(hs, theirs.detach().numpy()) < 1e-12
    dhs = rng.normal(size=hs.shape)
    theirs.backward(torch.from_numpy(dhs))
    grads = simple_rnn_backward(dhs, hs, **args)
    expected = {
        "xs": xs.grad,
        "h_0": h_0.grad,
        "W_xh": module.weight_ih_l0.grad.T,
        "W_hh": module.weight_hh_l0.grad.T,
        "b_h": module.bias_ih_l0.grad,
    }
    for name, grad in expected.items():
        assert relative_error(grads[name], grad.numpy()) < 1e-12, name


@pytest.mark.parametrize("with_h_0", [True, False])
def test_linear_units_agree_with_finite_differences(with_h_0, args, rng):
    if not with_h_0:
        del args["h_0"]
    dhs = rng.normal(size=(T, B, H))
    grads = simple_rnn_backward(dhs, simple_rnn_forward(**args, activation=LINEAR), **args, activation=LINEAR)
    errors = check_gradients(
        lambda: np.sum(dhs * simple_rnn_forward(**args, activation=LINEAR)),
        args,
        {name: grads[name] for name in args},
    )
    assert max(errors.values()) < 1e-8, errors


def test_activations_keep_single_precision(args):
    single = {name: p.astype(np.float32) for name, p in args.items()}
    for activation in (TANH, RELU, LINEAR):
        hs = simple_rnn_forward(**single, activation=activation)
        grads = simple_rnn_backward(hs, hs, **single, activation=activation)
        assert {hs.dtype, *(g.dtype for g in grads.values())} == {np.dtype(np.float32)}
