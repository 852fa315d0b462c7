"""A training step of the RNN against ``torch.nn.RNN``: forward, BPTT, input and weight gradients, float32."""

import statistics

import numpy as np
import torch

from benchmarks.timing import Row, interleave, ratio
from course_lib.nn.convert import rnn_to_torch
from course_lib.recurrent import init_rnn, rnn_backward, rnn_forward

# (T, B, D, H) and the share of torch's time to stay within
SIZES = {(25, 1, 65, 100): 0.3, (50, 32, 64, 128): 1.0, (100, 64, 128, 256): 1.0, (200, 32, 256, 512): 1.0}


def rows():
    for (T, B, D, H), reach in SIZES.items():
        rng = np.random.default_rng(1)
        params = init_rnn(D, H, rng, dtype=np.float32)
        xs = rng.standard_normal((T, B, D), dtype=np.float32)
        dhs = rng.standard_normal((T, B, H), dtype=np.float32) / (T * B)
        module = rnn_to_torch(params)
        xs_torch, dhs_torch = torch.from_numpy(xs).requires_grad_(True), torch.from_numpy(dhs)

        def ours(xs=xs, dhs=dhs, params=params):
            hs = rnn_forward(xs, **params)
            return rnn_backward(dhs, hs, xs, **params)

        def theirs(module=module, xs=xs_torch, dhs=dhs_torch):
            module.zero_grad()
            xs.grad = None
            module(xs)[0].backward(dhs)
            return xs.grad

        # Both must do the same work before their times are compared.
        np.testing.assert_allclose(ours()["xs"], theirs().numpy(), atol=1e-6)
        inner = max(1, round(2e8 / (T * B * (D + H) * H)))
        times = interleave({"ours": ours, "torch": theirs}, inner=inner)
        medians = {name: statistics.median(t) for name, t in times.items()}
        yield Row(
            "RNN training step",
            f"T={T} B={B} D={D} H={H}",
            medians["ours"],
            "torch.nn.RNN",
            medians["torch"],
            ratio(times, "ours", "torch"),
            reach,
        )
