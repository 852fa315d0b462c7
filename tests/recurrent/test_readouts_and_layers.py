"""Read-outs and the combination of layers, against PyTorch's own stacks and against finite differences."""

from functools import partial

import numpy as np
import pytest
import torch

from course_lib.gradcheck import check_gradients
from course_lib.nn.convert import rnn_from_torch
from course_lib.recurrent import (
    bidirectional_forward,
    many_to_one,
    many_to_one_backward,
    rnn_forward,
    stacked_forward,
)

T, B, D, H, K = 6, 3, 4, 5, 2


def layer_of(module, level=0, suffix=""):
    """One layer and direction of a torch.nn.RNN as a function of ours."""
    alone = torch.nn.RNN(module.input_size if level == 0 else module.hidden_size, module.hidden_size).double()
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(alone, f"{name}_l0").data = getattr(module, f"{name}_l{level}{suffix}").data
    return partial(rnn_forward, **rnn_from_torch(alone))


def test_bidirectional_states_are_those_of_torch(rng):
    torch.manual_seed(0)
    module = torch.nn.RNN(D, H, bidirectional=True).double()
    xs = rng.normal(size=(T, B, D))
    ours = bidirectional_forward(xs, layer_of(module), layer_of(module, suffix="_reverse"))
    np.testing.assert_allclose(ours, module(torch.from_numpy(xs))[0].detach().numpy(), rtol=1e-10)


def test_stacked_states_are_those_of_torch(rng):
    torch.manual_seed(0)
    module = torch.nn.RNN(D, H, num_layers=3).double()
    xs = rng.normal(size=(T, B, D))
    states = stacked_forward(xs, [layer_of(module, level) for level in range(3)])
    top, last = module(torch.from_numpy(xs))
    np.testing.assert_allclose(states[-1], top.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose([hs[-1] for hs in states], last.detach().numpy(), rtol=1e-10)


def test_sum_of_directions_is_the_sum_of_the_halves(rng):
    xs = rng.normal(size=(T, B, D))
    ahead, back = partial(np.cumsum, axis=0), np.tanh
    halves = bidirectional_forward(xs, ahead, back)
    np.testing.assert_allclose(bidirectional_forward(xs, ahead, back, "sum"), halves[..., :D] + halves[..., D:])


def test_an_unknown_combination_is_refused():
    with pytest.raises(ValueError, match=r"'product'.*concat"):
        bidirectional_forward(np.zeros((1, 1, 1)), np.abs, np.abs, combine="product")


def test_many_to_one_backward_agrees_with_finite_differences(rng):
    args = {"hs": rng.normal(size=(T, B, H)), "W_hy": rng.normal(size=(H, K)), "b_y": rng.normal(size=K)}
    lengths, dlogits = np.array([6, 1, 3]), rng.normal(size=(B, K))
    grads = many_to_one_backward(dlogits, lengths=lengths, **args)
    errors = check_gradients(lambda: np.sum(dlogits * many_to_one(lengths=lengths, **args)), args, grads)
    assert errors.keys() == args.keys()
    assert max(errors.values()) < 1e-9, errors
