"""Weights survive the way to PyTorch and back, and what cannot be converted is refused in words."""

import numpy as np
import pytest
import torch

from course_lib.nn.convert import rnn_from_torch, rnn_to_torch
from course_lib.recurrent import init_rnn, rnn_forward


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_gives_the_same_weights(dtype, rng):
    params = init_rnn(3, 4, rng, dtype=dtype)
    back = rnn_from_torch(rnn_to_torch(params))
    for name, p in params.items():
        assert back[name].dtype == dtype
        np.testing.assert_array_equal(back[name], p, err_msg=name)


def test_changing_the_module_leaves_our_weights_alone(rng):
    params = init_rnn(3, 4, rng)
    module = rnn_to_torch(params)
    taken = rnn_from_torch(module)
    kept = {name: p.copy() for name, p in params.items()}
    with torch.no_grad():
        for p in module.parameters():
            p.zero_()
    for name in params:
        np.testing.assert_array_equal(params[name], kept[name])
        np.testing.assert_array_equal(taken[name], kept[name])


def test_both_of_torchs_biases_count(rng):
    torch.manual_seed(0)
    module = torch.nn.RNN(3, 4).double()
    xs = rng.normal(size=(5, 2, 3))
    theirs = module(torch.from_numpy(xs))[0].detach().numpy()
    np.testing.assert_allclose(rnn_forward(xs, **rnn_from_torch(module)), theirs, rtol=1e-12)


def test_a_module_without_biases_has_a_bias_of_zeros():
    assert np.array_equal(rnn_from_torch(torch.nn.RNN(3, 4, bias=False))["b_h"], np.zeros(4))


@pytest.mark.parametrize("kind", [{"num_layers": 2}, {"bidirectional": True}, {"nonlinearity": "relu"}])
def test_what_does_not_fit_is_refused(kind):
    with pytest.raises(ValueError, match="expected RNN_TANH with one layer"):
        rnn_from_torch(torch.nn.RNN(3, 4, **kind))
