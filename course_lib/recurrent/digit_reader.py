"""The experiment of the chapter on RNNs: read a digit planted in a line of prose, and report it at the end.

Two models get the same windows: an RNN, and a dense network with separate weights for every position of its window.
Every function that the experiment studies is an argument, looked up when called, so that a student can pass their own
and watch the chapter run on it.
"""

import numpy as np

from course_lib import optim
from course_lib.data import synthetic
from course_lib.recurrent import losses, readouts, rnn

V = len(synthetic.ALPHABET)


def windows(text, rng, *, batch, length, positions, longest_after=None):
    """Draw windows of text with one digit planted in each; every window ends at a random step from the digit on.

    Parameters
    ----------
    text : str
    rng : numpy Generator
    batch, length : int
        B and T, the longest window.
    positions : sequence of int
        Where a digit may stand, counted from 0.
    longest_after : int, optional
        How many letters may follow the digit at most; as many as the window holds, where it is not given.

    Returns
    -------
    xs : (T, B, V) array of float32
        One-hot characters.
    lengths : (B,) array of int
        Where each window ends; what stands after it is not to be read.
    digits : (B,) array of int
    """
    codes, digits, at = synthetic.planted_digit(text, rng, batch=batch, length=length, positions=positions)
    last = length if longest_after is None else np.minimum(length, at + 1 + longest_after)
    return np.eye(V, dtype=np.float32)[codes], rng.integers(at + 1, last + 1), digits


def train_reader(
    text,
    rng,
    *,
    H=32,
    length=12,
    positions=range(6),
    longest_after=None,
    steps=1200,
    batch=64,
    learning_rate=2e-3,
    forward=None,
    readout=None,
    loss=None,
):
    """Train an RNN to report the digit after the last step of each window.

    Parameters
    ----------
    text : str
    rng : numpy Generator
        Draws the parameters and every window.
    H, length, positions, longest_after, steps, batch, learning_rate
        Width of the state; longest window; where digits are planted, and how many letters may follow; and how to train.
    forward, readout, loss : functions, optional
        Stand-ins for :func:`~course_lib.recurrent.rnn.rnn_forward`,
        :func:`~course_lib.recurrent.readouts.many_to_one` and
        :func:`~course_lib.recurrent.losses.cross_entropy_over_time`.

    Returns
    -------
    params : dict of arrays
        ``W_xh``, ``W_hh``, ``b_h`` of the RNN, ``W_hy`` (H, 10) and ``b_y`` (10,) of the read-out.
    history : (steps,) array
        The loss at every step of training.
    """
    forward = forward or rnn.rnn_forward
    readout = readout or readouts.many_to_one
    loss = loss or losses.cross_entropy_over_time
    cell = rnn.init_rnn(V, H, rng, dtype=np.float32)
    params = cell | _init_readout(H, rng)  # the same arrays: an optimiser's step reaches both
    optimiser = optim.Adam(learning_rate)
    history = np.empty(steps)
    for step in range(steps):
        xs, lengths, digits = windows(
            text, rng, batch=batch, length=length, positions=positions, longest_after=longest_after
        )
        hs = forward(xs, **cell)
        W_hy, b_y = params["W_hy"], params["b_y"]
        logits = readout(hs, lengths, W_hy, b_y)
        # A sequence of one answer: the loss is that of a single step.
        history[step], dlogits = loss(logits[None], digits[None])
        grads = readouts.many_to_one_backward(dlogits[0], hs, lengths, W_hy, b_y)
        through_time = rnn.rnn_backward(grads.pop("hs"), hs, xs, **cell)
        grads |= {name: through_time[name] for name in cell}
        clipped, _ = optim.clip_by_global_norm(grads, 1.0)
        optimiser.step(params, clipped)
    return params, history


def reader_states(params, codes, forward=None):
    """Run a trained reader over (T, B) character codes and return its states, (T, B, H)."""
    forward = forward or rnn.rnn_forward
    return forward(np.eye(V, dtype=np.float32)[codes], params["W_xh"], params["W_hh"], params["b_h"])


def reader_logits(params, hs):
    """Return the scores of the ten digits that the read-out gives at every state, (T, B, 10)."""
    return hs @ params["W_hy"] + params["b_y"]


def reader_accuracy(params, text, rng, *, positions, gaps, batch=300, forward=None):
    """Measure how often the reader is right, by where the digit stands and how long ago it was read.

    Parameters
    ----------
    params : dict of arrays
        From :func:`train_reader`.
    text : str
        Text that training has not seen.
    rng : numpy Generator
    positions, gaps : sequences of int
        Letters before the digit; letters between it and the question.
    batch : int
        Windows per position.
    forward : function, optional

    Returns
    -------
    accuracy : (len(positions), len(gaps)) array
    """
    accuracy = np.empty((len(positions), len(gaps)))
    for row, at in enumerate(positions):
        length = at + 1 + max(gaps)
        codes, digits, _ = synthetic.planted_digit(text, rng, batch=batch, length=length, positions=[at])
        answers = reader_logits(params, reader_states(params, codes, forward)).argmax(axis=-1)
        accuracy[row] = [np.mean(answers[at + gap] == digits) for gap in gaps]
    return accuracy


def train_dense_reader(text, rng, *, H=32, length=12, positions=range(6), steps=1200, batch=64, learning_rate=2e-3):
    """Train the rival: one hidden layer with its own weights for every position of a window of fixed length.

    Takes and returns what :func:`train_reader` does, but for the recurrent weights: ``W_in`` (T * V, H) and ``b_h``.
    Steps after a window's end are fed as zeros.
    """
    bound = 1 / np.sqrt(length)  # each window has one entry of 1 per step, so `length` weights meet in a unit
    params = {"W_in": rng.uniform(-bound, bound, (length * V, H)).astype(np.float32)}
    params |= {"b_h": np.zeros(H, np.float32)} | _init_readout(H, rng)
    optimiser = optim.Adam(learning_rate)
    history = np.empty(steps)
    for step in range(steps):
        xs, lengths, digits = windows(text, rng, batch=batch, length=length, positions=positions)
        x, h, logits = _dense_forward(params, xs, lengths)
        history[step], dlogits = losses.cross_entropy_over_time(logits[None], digits[None])
        dz = (dlogits[0] @ params["W_hy"].T) * (1 - h**2)
        grads = {"W_in": x.T @ dz, "b_h": dz.sum(axis=0), "W_hy": h.T @ dlogits[0], "b_y": dlogits[0].sum(axis=0)}
        optimiser.step(params, optim.clip_by_global_norm(grads, 1.0)[0])
    return params, history


def dense_accuracy(params, text, rng, *, positions, length=12, batch=300):
    """Measure how often the dense reader is right, by the position of the digit in a full window."""
    accuracy = np.empty(len(positions))
    for row, at in enumerate(positions):
        codes, digits, _ = synthetic.planted_digit(text, rng, batch=batch, length=length, positions=[at])
        xs = np.eye(V, dtype=np.float32)[codes]
        logits = _dense_forward(params, xs, np.full(batch, length))[-1]
        accuracy[row] = np.mean(logits.argmax(axis=-1) == digits)
    return accuracy


def _dense_forward(params, xs, lengths):
    T, B, _ = xs.shape
    real = np.arange(T)[:, None] < lengths
    x = (xs * real[:, :, None]).transpose(1, 0, 2).reshape(B, -1)
    h = np.tanh(x @ params["W_in"] + params["b_h"])
    return x, h, h @ params["W_hy"] + params["b_y"]


def _init_readout(H, rng):
    bound = 1 / np.sqrt(H)
    return {"W_hy": rng.uniform(-bound, bound, (H, 10)).astype(np.float32), "b_y": np.zeros(10, np.float32)}
