"""The experiments of the chapter on order: sentences that mirror each other, and the parity of a string of bits.

Both put one yes-or-no question at the end of a sequence. Two kinds of model answer it: an RNN, which reads step by
step, and a dense network on whatever numbers a caller makes of the sequence (a bag of words, its last k words).
Functions that an experiment studies are arguments, looked up when called.

Leaves out real text: these sentences are made so that one rule, and nothing else, decides the answer.
"""

import itertools

import numpy as np

from course_lib import optim
from course_lib.data import synthetic
from course_lib.recurrent import losses, readouts, rnn

NAMES = ("ana", "ben", "carla", "dev", "eva", "farid", "gina", "hugo")
PRAISE, BLAME = ("good", "strong", "quick", "brilliant"), ("bad", "weak", "slow", "hopeless")
OPENERS = ("", "we know that ", "they say that ", "as the old letter says , ")
FIRST = (
    "{name} is {first} at {one}",
    "{name} was always {first} in {one}",
    "at {one} {name} is {first}",
    "{name} is , they say , {first} in {one}",
)
JOINS = (" , ", " but ", " and ")
SECOND = (
    "{second} at {other}",
    "always {second} in {other}",
    "in {other} {second}",
    "at {other} , we know , {name} is {second}",
    "{name} was {second} in {other}",
)
FRAMES = tuple("".join(parts) for parts in itertools.product(OPENERS, FIRST, JOINS, SECOND))
"""240 frames of a sentence. The two subjects come in either order, and either may be the one that is praised."""
TAIL = ("as", "we", "know", "from", "the", "old", "letter", "that")
_UNMET = "was sent to the school and that they say was always in the drawer"
LONG_TAIL = (*TAIL, *_UNMET.split())
"""Goes on from `TAIL` with some words that occur neither in it nor in a frame, so that a reader may never have met."""


def mirrored(rng, *, pairs, frames, tails, words=TAIL):
    """Draw sentences on one pupil's two subjects, each followed by its mirror: praise and blame change places.

    The question is whether the pupil is good at maths. A pair has one bag of words and two answers, so whatever sees
    only the bag is right on exactly half. After the two subjects comes a tail that says nothing.

    Parameters
    ----------
    rng : numpy Generator
    pairs : int
    frames : sequence of str
        With gaps ``{name}``, ``{first}``, ``{one}``, ``{second}``, ``{other}``: `FRAMES`, or some of them.
    tails : sequence of int
        How many words of the tail follow, each equally likely.
    words : sequence of str
        The tail's text: `TAIL`, or `LONG_TAIL`. Where more words follow than it has, it starts again.

    Returns
    -------
    sentences : list of 2 * pairs lists of str
        2i and 2i + 1 are mirrors.
    labels : (2 * pairs,) array of int
        1 if good at maths.

    Examples
    --------
    >>> sentences, labels = mirrored(np.random.default_rng(12), pairs=1, frames=FRAMES[:9], tails=[2])
    >>> for sentence, label in zip(sentences, labels):
    ...     print(label, " ".join(sentence))
    1 carla is brilliant at math but hopeless at science as we
    0 carla is hopeless at math but brilliant at science as we
    """

    def pick(options):  # one draw for all pairs: a Generator is slow at drawing one by one
        return [options[i] for i in rng.integers(len(options), size=pairs)]

    subjects = (("math", "science"), ("science", "math"))
    drawn = zip(*map(pick, (frames, NAMES, PRAISE, BLAME, subjects, tails)), strict=True)
    sentences, labels = [], []
    for frame, name, praise, blame, (one, other), n in drawn:
        tail = [words[i % len(words)] for i in range(n)]
        for first, second in ((praise, blame), (blame, praise)):
            text = frame.format(name=name, first=first, second=second, one=one, other=other)
            sentences.append(text.split() + tail)
            labels.append(int((first == praise) == (one == "math")))
    return sentences, np.array(labels)


def vocabulary():
    """Every word that :func:`mirrored` may use, once, in alphabetical order."""
    frames = " ".join(FRAMES).split()
    words = {word for word in frames if not word.startswith("{")}
    return sorted(words | {"math", "science", *NAMES, *PRAISE, *BLAME, *LONG_TAIL})


def parity_strings(rng, *, batch, length):
    """Draw strings of random bits, and whether each holds an odd number of ones.

    Returns
    -------
    xs : (T, B, 1) array of float32
        0 or 1.
    lengths : (B,) array of int
        All equal to T.
    labels : (B,) array of int
    """
    bits, odd = synthetic.parity(rng, batch=batch, length=length)
    return bits[:, :, None].astype(np.float32), np.full(batch, length), odd[-1]


def train_reader(draw, D, rng, *, H=16, steps=1000, learning_rate=5e-3, forward=None):
    """Train an RNN to answer yes or no after the last word of a sequence.

    Parameters
    ----------
    draw : function of the step
        Returns a batch: xs (T, B, D), lengths (B,) and labels (B,) of 0 and 1.
    D : int
        Width of the input.
    rng : numpy Generator
        Draws the parameters.
    H, steps, learning_rate
        Width of the state, and how long and how fast to train.
    forward : function, optional
        Stands in for :func:`~course_lib.recurrent.rnn.rnn_forward`.

    Returns
    -------
    params : dict of arrays
        ``W_xh``, ``W_hh``, ``b_h`` of the RNN, ``W_hy`` (H, 1) and ``b_y`` (1,) of the read-out.
    history : (steps,) array
        The loss at every step of training.
    """
    forward = forward or rnn.rnn_forward
    cell = rnn.init_rnn(D, H, rng, dtype=np.float32)
    params = cell | _init_readout(H, rng)  # the same arrays: an optimiser's step reaches both
    optimiser = optim.Adam(learning_rate)
    history = np.empty(steps)
    for step in range(steps):
        xs, lengths, labels = draw(step)
        hs = forward(xs, **cell)
        logits = readouts.many_to_one(hs, lengths, params["W_hy"], params["b_y"])
        history[step], dlogits = losses.binary_cross_entropy_over_time(logits.T, labels[None])
        dlogits = dlogits.T.astype(np.float32)
        grads = readouts.many_to_one_backward(dlogits, hs, lengths, params["W_hy"], params["b_y"])
        through_time = rnn.rnn_backward(grads.pop("hs"), hs, xs, **cell)
        grads |= {name: through_time[name] for name in cell}
        clipped, _ = optim.clip_by_global_norm(grads, 1.0)
        optimiser.step(params, clipped)
    return params, history


def reader_answers(params, xs, lengths, forward=None):
    """Ask a trained reader after the last word of each sequence; (B,) array of 0 and 1."""
    hs = (forward or rnn.rnn_forward)(xs, params["W_xh"], params["W_hh"], params["b_h"])
    return (readouts.many_to_one(hs, lengths, params["W_hy"], params["b_y"])[:, 0] > 0).astype(int)


def train_dense(draw, D, rng, *, H=32, steps=1000, learning_rate=5e-3):
    """Train the rival: one hidden layer of tanh units on a fixed number of inputs.

    Takes and returns what :func:`train_reader` does, but ``draw`` returns x (B, D) and labels, and the weights of the
    hidden layer are ``W_in`` (D, H) and ``b_h``.
    """
    bound = 1 / np.sqrt(H)
    params = {"W_in": rng.uniform(-bound, bound, (D, H)).astype(np.float32), "b_h": np.zeros(H, np.float32)}
    params |= _init_readout(H, rng)
    optimiser = optim.Adam(learning_rate)
    history = np.empty(steps)
    for step in range(steps):
        x, labels = draw(step)
        h = np.tanh(x @ params["W_in"] + params["b_h"])
        logits = h @ params["W_hy"] + params["b_y"]
        history[step], dlogits = losses.binary_cross_entropy_over_time(logits.T, labels[None])
        dlogits = dlogits.T.astype(np.float32)
        dz = (dlogits @ params["W_hy"].T) * (1 - h**2)
        grads = {"W_in": x.T @ dz, "b_h": dz.sum(axis=0), "W_hy": h.T @ dlogits, "b_y": dlogits.sum(axis=0)}
        optimiser.step(params, optim.clip_by_global_norm(grads, 1.0)[0])
    return params, history


def dense_answers(params, x):
    """Ask a trained dense network; (B,) array of 0 and 1."""
    h = np.tanh(x @ params["W_in"] + params["b_h"])
    return ((h @ params["W_hy"] + params["b_y"])[:, 0] > 0).astype(int)


def _init_readout(H, rng):
    bound = 1 / np.sqrt(H)
    return {"W_hy": rng.uniform(-bound, bound, (H, 1)).astype(np.float32), "b_y": np.zeros(1, np.float32)}
