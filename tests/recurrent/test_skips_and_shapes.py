"""Skips across layers and time, and the shapes of tasks: finite differences, PyTorch, limits, and learning."""

from functools import partial

import numpy as np
import pytest
import torch

from course_lib import optim
from course_lib.data import synthetic
from course_lib.gradcheck import check_gradients, relative_error
from course_lib.nn.convert import rnn_from_torch
from course_lib.recurrent import (
    bidirectional_backward,
    bidirectional_forward,
    cross_entropy_over_time,
    encode_decode,
    encode_decode_backward,
    init_rnn,
    many_to_many,
    many_to_many_backward,
    one_to_many,
    one_to_many_backward,
    rnn_backward,
    rnn_forward,
    skip_rnn_backward,
    skip_rnn_forward,
    stacked_backward,
    stacked_forward,
    stacked_with_skips,
)

T, B, D, H, K = 6, 3, 4, 5, 2


def largest_error(loss, params, grads):
    assert grads.keys() == params.keys()
    errors = check_gradients(loss, params, grads)
    assert max(errors.values()) < 1e-8, errors


@pytest.mark.parametrize("skip", [1, 2, 4, T, T + 2])
def test_gradients_through_a_time_skip_agree_with_finite_differences(skip, rng):
    shapes = {"xs": (T, B, D), "W_xh": (D, H), "W_hh": (H, H), "W_sh": (H, H), "b_h": (H,)}
    args = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dhs = rng.normal(size=(T, B, H))
    grads = skip_rnn_backward(dhs, skip_rnn_forward(**args, skip=skip), **args, skip=skip)
    if skip >= T:
        assert not grads["W_sh"].any(), "no state is that old"
        del grads["W_sh"]
    shown = {name: args[name] for name in grads}
    largest_error(lambda: np.sum(dhs * skip_rnn_forward(**args, skip=skip)), shown, grads)


def test_a_skip_of_one_step_adds_the_two_matrices(rng):
    args = init_rnn(D, H, rng) | {"xs": rng.normal(size=(T, B, D))}
    W_sh = rng.normal(size=(H, H))
    expected = rnn_forward(**(args | {"W_hh": args["W_hh"] + W_sh}))
    np.testing.assert_allclose(skip_rnn_forward(**args, W_sh=W_sh, skip=1), expected, rtol=1e-12)


def test_gradients_fade_s_times_more_slowly_through_a_skip(rng):
    weight, length, skip = 0.5 * np.eye(1), 41, 10
    xs = np.zeros((length, 1, 1))
    dhs = np.zeros_like(xs)
    dhs[-1] = 1.0
    args = xs, np.eye(1), 0 * weight, weight, np.zeros(1), skip
    reached = skip_rnn_backward(dhs, skip_rnn_forward(*args), *args)["xs"][0, 0, 0]
    assert reached == pytest.approx(0.5**4)


def layers_of(params):
    return [partial(rnn_forward, **p) for p in params]


@pytest.mark.parametrize("skips", [False, True])
def test_gradients_through_a_stack_agree_with_finite_differences(skips, rng):
    stack = stacked_with_skips if skips else stacked_forward
    params = [init_rnn(width, H, rng) for width in (D, H, H)]
    xs, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))

    def top():
        return stack(xs, layers_of(params))[-1]

    inputs = [xs, *stack(xs, layers_of(params))[:-1]]
    backwards = [
        lambda dhs, p=p, below=below: rnn_backward(dhs, rnn_forward(below, **p), below, **p)
        for p, below in zip(params, inputs, strict=True)
    ]
    dxs, grads = stacked_backward(dhs, backwards, skips=skips)
    named = {f"{name}{n}": p[name] for n, p in enumerate(params) for name in p}
    found = {f"{name}{n}": grads[n][name] for n, p in enumerate(params) for name in p}
    largest_error(lambda: np.sum(dhs * top()), named | {"xs": xs}, found | {"xs": dxs})


def test_skips_carry_the_gradient_past_layers_that_block_it():
    def blocked(dhs):
        return {"xs": 0 * dhs}

    def open_(dhs):
        return {"xs": dhs}

    dhs = np.ones((T, B, H))
    assert stacked_backward(dhs, [open_, blocked, blocked], skips=True)[0].all()
    assert not stacked_backward(dhs, [open_, blocked, blocked])[0].any()


def test_gradients_through_both_directions_are_those_of_torch(rng):
    torch.manual_seed(0)
    module = torch.nn.RNN(D, H, bidirectional=True).double()
    sides = []
    for suffix in ("", "_reverse"):
        alone = torch.nn.RNN(D, H).double()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(alone, f"{name}_l0").data = getattr(module, f"{name}_l0{suffix}").data
        sides.append(rnn_from_torch(alone))
    xs, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, 2 * H))
    twin = torch.from_numpy(xs).requires_grad_(True)
    module(twin)[0].backward(torch.from_numpy(dhs))
    read = [xs, xs[::-1]]
    backwards = [
        lambda dhs, p=p, x=x: rnn_backward(dhs, rnn_forward(x, **p), x, **p) for p, x in zip(sides, read, strict=True)
    ]
    dxs, ahead, back = bidirectional_backward(dhs, *backwards)
    assert relative_error(dxs, twin.grad.numpy()) < 1e-12
    assert relative_error(ahead["W_hh"], module.weight_hh_l0.grad.numpy().T) < 1e-12
    assert relative_error(back["W_hh"], module.weight_hh_l0_reverse.grad.numpy().T) < 1e-12


def test_gradients_through_the_sum_of_directions_agree_with_finite_differences(rng):
    sides = {"a": init_rnn(D, H, rng), "b": init_rnn(D, H, rng)}
    xs, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    backwards = [
        lambda dhs, p=p, x=x: rnn_backward(dhs, rnn_forward(x, **p), x, **p)
        for p, x in zip(sides.values(), (xs, xs[::-1]), strict=True)
    ]
    dxs, _, back = bidirectional_backward(dhs, *backwards, combine="sum")
    largest_error(
        lambda: np.sum(dhs * bidirectional_forward(xs, *layers_of(sides.values()), combine="sum")),
        {"xs": xs, "W_xh": sides["b"]["W_xh"]},
        {"xs": dxs, "W_xh": back["W_xh"]},
    )
    with pytest.raises(ValueError, match=r"'mean'.*concat"):
        bidirectional_backward(dhs, *backwards, combine="mean")


def test_aligned_read_out_agrees_with_finite_differences(rng):
    args = {"hs": rng.normal(size=(T, B, H)), "W_hy": rng.normal(size=(H, K)), "b_y": rng.normal(size=K)}
    dlogits = rng.normal(size=(T, B, K))
    grads = many_to_many_backward(dlogits, **args)
    largest_error(lambda: np.sum(dlogits * many_to_many(**args)), args, grads)


def test_one_to_many_agrees_with_finite_differences(rng):
    params, x, dhs = init_rnn(D, H, rng), rng.normal(size=(B, D)), rng.normal(size=(T, B, H))
    grads = one_to_many_backward(dhs, one_to_many(x, T, params), x, params)
    largest_error(lambda: np.sum(dhs * one_to_many(x, T, params)), params | {"x": x}, grads)


def test_encode_decode_agrees_with_finite_differences(rng):
    encoder, decoder = init_rnn(D, H, rng), init_rnn(K, H, rng)
    xs, ys, dwritten = rng.normal(size=(T, B, D)), rng.normal(size=(4, B, K)), rng.normal(size=(4, B, H))
    of_encoder, of_decoder = encode_decode_backward(
        dwritten, *encode_decode(xs, ys, encoder, decoder), xs, ys, encoder, decoder
    )

    def loss():
        return np.sum(dwritten * encode_decode(xs, ys, encoder, decoder)[1])

    largest_error(loss, encoder | {"xs": xs}, of_encoder)
    largest_error(loss, decoder | {"xs": ys}, of_decoder)


def test_an_aligned_network_learns_parity_and_holds_beyond_the_trained_length():
    rng = np.random.default_rng(4)
    params = init_rnn(1, 16, rng)
    cell = dict(params)
    params |= {"W_hy": 0.1 * rng.normal(size=(16, 2)), "b_y": np.zeros(2)}
    optimiser = optim.Adam(1e-2)
    for _ in range(1500):
        bits, odd = synthetic.parity(rng, batch=64, length=8)
        xs = 2.0 * bits[:, :, None] - 1
        hs = rnn_forward(xs, **cell)
        _, dlogits = cross_entropy_over_time(many_to_many(hs, params["W_hy"], params["b_y"]), odd)
        grads = many_to_many_backward(dlogits, hs, params["W_hy"], params["b_y"])
        through_time = rnn_backward(grads.pop("hs"), hs, xs, **cell)
        grads |= {name: through_time[name] for name in cell}
        optimiser.step(params, optim.clip_by_global_norm(grads, 1.0)[0])
    bits, odd = synthetic.parity(rng, batch=100, length=40)
    answers = many_to_many(rnn_forward(2.0 * bits[:, :, None] - 1, **cell), params["W_hy"], params["b_y"])
    assert np.mean(answers.argmax(axis=-1) == odd) > 0.98


def test_one_to_many_learns_to_count_in_binary():
    rng = np.random.default_rng(2)
    numbers = np.arange(8)
    x, digits = np.eye(8), (numbers[None, :] >> np.arange(3)[:, None]) & 1
    cell = init_rnn(8, 16, rng)
    params = cell | {"W_hy": np.zeros((16, 2)), "b_y": np.zeros(2)}
    optimiser = optim.Adam(2e-2)
    for _ in range(150):
        hs = one_to_many(x, 3, cell)
        loss, dlogits = cross_entropy_over_time(many_to_many(hs, params["W_hy"], params["b_y"]), digits)
        grads = many_to_many_backward(dlogits, hs, params["W_hy"], params["b_y"])
        of_cell = one_to_many_backward(grads.pop("hs"), hs, x, cell)
        optimiser.step(params, grads | {name: of_cell[name] for name in cell})
    assert loss < 0.05


def test_encoder_and_decoder_learn_to_write_a_sequence_backwards():
    rng = np.random.default_rng(5)
    V, S, width = 5, 3, 32
    eye = np.eye(V + 1)  # the last one is the start mark
    encoder, decoder = init_rnn(V + 1, width, rng), init_rnn(V + 1, width, rng)
    readout = {"W_hy": np.zeros((width, V)), "b_y": np.zeros(V)}
    params = {f"e_{k}": p for k, p in encoder.items()} | {f"d_{k}": p for k, p in decoder.items()} | readout
    optimiser = optim.Adam(5e-3)
    for _ in range(600):
        source = rng.integers(V, size=(S, 64))
        target = source[::-1]
        xs, ys = eye[source], eye[np.concatenate([np.full((1, 64), V), target[:-1]])]
        read, written = encode_decode(xs, ys, encoder, decoder)
        loss, dlogits = cross_entropy_over_time(many_to_many(written, **readout), target)
        grads = many_to_many_backward(dlogits, written, **readout)
        back = encode_decode_backward(grads.pop("hs"), read, written, xs, ys, encoder, decoder)
        for prefix, side, cell in zip("ed", back, (encoder, decoder), strict=True):
            grads |= {f"{prefix}_{name}": side[name] for name in cell}
        optimiser.step(params, optim.clip_by_global_norm(grads, 1.0)[0])
    assert loss / S < 0.2, "chance is log 5 = 1.6 a token"
