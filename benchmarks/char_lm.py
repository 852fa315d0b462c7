"""A training step of a character model, H = 100 and T = 25, in time per character.

The peers: the loop that reads one character at a time with column vectors, as the classic introductions to character
models write it, in float64 with one sequence; and the same model as ours in PyTorch. All learn the same text with
AdaGrad and clipping by value, and every step includes loss, gradients and update.
"""

import statistics

import numpy as np
import torch

from benchmarks.timing import Row, interleave, ratio
from course_lib import data, optim
from course_lib.recurrent import init_language_model, streams, tbptt_step

E, H, T, LEARNING_RATE, LIMIT = 32, 100, 25, 0.1, 5.0


class OneCharacterAtATime:
    """Column vectors, a dict of arrays per step, gradients added up in a loop."""

    def __init__(self, codes, V):
        rng = np.random.default_rng(0)
        self.codes, self.V, self.at = codes, V, 0
        shapes = {"W_xh": (H, V), "W_hh": (H, H), "W_hy": (V, H)}
        self.params = {name: 0.01 * rng.standard_normal(shape) for name, shape in shapes.items()}
        self.params |= {"b_h": np.zeros((H, 1)), "b_y": np.zeros((V, 1))}
        self.squares = {name: np.zeros_like(p) for name, p in self.params.items()}
        self.h = np.zeros((H, 1))

    def step(self):
        if self.at + T + 1 >= len(self.codes):
            self.at, self.h = 0, np.zeros((H, 1))
        inputs, targets = self.codes[self.at : self.at + T], self.codes[self.at + 1 : self.at + T + 1]
        self.at += T
        W_xh, W_hh, W_hy, b_h, b_y = (self.params[name] for name in ("W_xh", "W_hh", "W_hy", "b_h", "b_y"))
        xs, hs, ps, loss = {}, {-1: self.h}, {}, 0.0
        for t in range(T):
            xs[t] = np.zeros((self.V, 1))
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(W_xh @ xs[t] + W_hh @ hs[t - 1] + b_h)
            scores = np.exp(W_hy @ hs[t] + b_y)
            ps[t] = scores / scores.sum()
            loss -= np.log(ps[t][targets[t], 0])
        grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        dh_next = np.zeros((H, 1))
        for t in reversed(range(T)):
            dy = ps[t].copy()
            dy[targets[t]] -= 1
            grads["W_hy"] += dy @ hs[t].T
            grads["b_y"] += dy
            dz = (1 - hs[t] ** 2) * (W_hy.T @ dy + dh_next)
            grads["b_h"] += dz
            grads["W_xh"] += dz @ xs[t].T
            grads["W_hh"] += dz @ hs[t - 1].T
            dh_next = W_hh.T @ dz
        for name, g in grads.items():
            np.clip(g, -LIMIT, LIMIT, out=g)
            self.squares[name] += g * g
            self.params[name] -= LEARNING_RATE * g / np.sqrt(self.squares[name] + 1e-8)
        self.h = hs[T - 1]
        return loss / T


class Ours:
    """tbptt_step as the course trains with it."""

    def __init__(self, codes, V, B):
        self.columns, self.at, self.state = streams(codes, B), 0, None
        self.params = init_language_model(V, E, H, np.random.default_rng(0))
        self.optimiser = optim.AdaGrad(LEARNING_RATE)

    def step(self):
        if self.at + T >= len(self.columns):
            self.at, self.state = 0, None
        chunk = self.columns[self.at : self.at + T + 1]
        self.at += T
        loss, grads, self.state = tbptt_step(self.params, chunk[:-1], chunk[1:], self.state)
        self.optimiser.step(self.params, optim.clip_by_value(grads, LIMIT))
        return loss / T


class Torch:
    """Embedding, torch.nn.RNN and Linear, with PyTorch's own clipping and AdaGrad."""

    def __init__(self, codes, V, B):
        torch.manual_seed(0)
        self.columns, self.at, self.state = torch.from_numpy(streams(codes, B)), 0, None
        self.embedding, self.rnn, self.readout = torch.nn.Embedding(V, E), torch.nn.RNN(E, H), torch.nn.Linear(H, V)
        self.params = [p for part in (self.embedding, self.rnn, self.readout) for p in part.parameters()]
        self.optimiser = torch.optim.Adagrad(self.params, lr=LEARNING_RATE)

    def step(self):
        if self.at + T >= len(self.columns):
            self.at, self.state = 0, None
        chunk = self.columns[self.at : self.at + T + 1]
        self.at += T
        self.optimiser.zero_grad()
        hs, state = self.rnn(self.embedding(chunk[:-1]), self.state)
        self.state = state.detach()
        loss = torch.nn.functional.cross_entropy(self.readout(hs).flatten(0, 1), chunk[1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_value_(self.params, LIMIT)
        self.optimiser.step()
        return loss.item()


def rows():
    text = data.load("pride-prejudice")
    letters = sorted(set(text))
    numbers = {letter: number for number, letter in enumerate(letters)}
    codes, V = np.array([numbers[letter] for letter in text]), len(letters)
    for B, reach in {1: 1 / 5, 32: 1 / 25}.items():
        candidates = {"ours": Ours(codes, V, B), "loop": OneCharacterAtATime(codes, V), "torch": Torch(codes, V, B)}
        # A model that does not learn does not count: what is timed must have brought the loss down.
        begun = {name: model.step() for name, model in candidates.items()}
        times = interleave({name: model.step for name, model in candidates.items()}, inner=20)
        for name, model in candidates.items():
            ended = np.mean([model.step() for _ in range(50)])
            if not ended < begun[name] - 0.5:
                raise RuntimeError(f"{name} went from {begun[name]:.2f} to {ended:.2f} nats; expected it to learn")
        # The loop reads one sequence whatever B is, so times are compared per character.
        per_character = {"ours": T * B, "loop": T, "torch": T * B}
        times = {name: [s / per_character[name] for s in times[name]] for name in times}
        medians = {name: statistics.median(t) for name, t in times.items()}
        peers = {"loop": ("char-by-char loop", reach), "torch": ("torch.nn.RNN", 1 / 1.7)}
        for name, (peer, limit) in peers.items():
            yield Row(
                "character LM, 1k chars",
                f"T={T} B={B} V={V} H={H}",
                medians["ours"] * 1000,
                peer,
                medians[name] * 1000,
                ratio(times, "ours", name),
                limit,
            )
