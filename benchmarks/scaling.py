"""What backpropagation through time costs: time against T and against B, and memory, whole and truncated.

Forward and backward do the same work at every step, so twice the steps should take twice the time; twice the sequences
take less than twice, as long as a small batch leaves the processor idle. Every state is kept for the way back, so
memory grows with T; truncated to chunks, it grows with the chunk only.

``python -m benchmarks.scaling`` prints the whole table; the rows for the common table are the last doubling in each
direction, and for memory the longest run, whole and in chunks.
"""

import statistics
import tracemalloc

import numpy as np

from benchmarks.timing import Row, interleave, ratio
from course_lib.recurrent import init_rnn, rnn_backward, rnn_forward

D, H = 64, 128
STEPS = (50, 100, 200, 400)
CHUNK = 50
SEQUENCES = (16, 32, 64, 128)
# Twice the work may take a little more than twice the time where the caches end.
REACH = 2.3
# A chunk of so many steps keeps that share of the states, and gradients and the like beside them.
LESS_MEMORY = 2


def training_step(T, B, chunk=None):
    """Make a function that carries a gradient forward and back through T steps, in chunks if asked."""
    rng = np.random.default_rng(1)
    params = init_rnn(D, H, rng, dtype=np.float32)
    xs = rng.standard_normal((T, B, D), dtype=np.float32)
    dh = rng.standard_normal((1, B, H), dtype=np.float32) / (T * B)
    chunk = chunk or T

    def run():
        grads = {name: np.zeros_like(p) for name, p in params.items()}
        h_0 = None
        for start in range(0, T, chunk):
            part = xs[start : start + chunk]
            hs = rnn_forward(part, **params, h_0=h_0)
            back = rnn_backward(np.broadcast_to(dh, hs.shape), hs, part, **params, h_0=h_0)
            for name in grads:
                grads[name] += back[name]
            h_0 = hs[-1].copy()  # a view would keep the whole chunk alive
        return grads

    return run


def measure(sizes):
    """Seconds of a training step at each (T, B), round by round."""
    return interleave({size: training_step(*size) for size in sizes})


def peak_bytes(T, B, chunk=None):
    """Largest memory in use during a training step, beyond parameters and inputs."""
    run = training_step(T, B, chunk)
    run()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def rows():
    for letter, sizes in {"T": [(T, 32) for T in STEPS], "B": [(100, B) for B in SEQUENCES]}.items():
        times = measure(sizes)
        smaller, larger = sizes[-2:]
        yield Row(
            f"RNN training step, twice the {letter}",
            "T={} B={} D={} H={}".format(*larger, D, H),
            statistics.median(times[larger]),
            "half of it",
            statistics.median(times[smaller]),
            ratio(times, larger, smaller),
            REACH,
        )
    T, B = 4 * STEPS[-1], SEQUENCES[1]
    cut, whole = peak_bytes(T, B, CHUNK), peak_bytes(T, B)
    name = f"RNN training memory, chunks of {CHUNK}"
    size = f"T={T} B={B} D={D} H={H}"
    yield Row(name, size, cut, "whole", whole, cut / whole, LESS_MEMORY * CHUNK / T, unit="B")


def main():
    print(f"RNN training step, D={D}, H={H}, float32")
    for sizes in ([(T, 32) for T in STEPS], [(100, B) for B in SEQUENCES]):
        times = measure(sizes)
        for size in sizes:
            T, B = size
            took = statistics.median(times[size])
            each, growth = took / T / B, ratio(times, size, sizes[0])
            print(f"  T={T:4} B={B:4}  {took * 1e3:7.2f} ms  {each * 1e6:5.2f} µs a step and sequence  ×{growth:.2f}")
    print("peak memory beyond parameters and inputs, B=32")
    for T in (*STEPS, 4 * STEPS[-1]):
        whole, cut = peak_bytes(T, 32), peak_bytes(T, 32, CHUNK)
        print(f"  T={T:4}  whole {whole / 2**20:7.2f} MiB  in chunks of {CHUNK} {cut / 2**20:6.2f} MiB")


if __name__ == "__main__":
    main()
