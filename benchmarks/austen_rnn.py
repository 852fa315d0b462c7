"""Train the network that the chapter on sampling loads: ``python -m benchmarks.austen_rnn [TARGET.npz]``.

A character model of *Pride and Prejudice*: learned from the first eight tenths of its sentences, stopped where it was
best on the next tenth; the last tenth is left alone. Stored in half precision. Takes about five minutes on one core;
prints what the catalogue says of the file.
"""

import hashlib
import re
import sys
from pathlib import Path

import numpy as np

from course_lib import data
from course_lib.recurrent import bits_per_token, init_rnn, log_probabilities, orthogonal, train_language_model
from course_lib.text import EOS, Vocabulary, split_sentences

TARGET = Path(data.__file__).parent / "files" / "austen-rnn" / "austen-rnn.npz"


def tenths():
    """Return the novel's sentences in three parts, eight tenths and twice one, as the chapters cut it."""
    novel = data.load("pride-prejudice").replace("_", "")
    prose = [s for s in split_sentences(novel) if not re.match(r"PRIDE AND|By Jane|Chapter \d|\* ", s)]
    n = len(prose)
    return prose[: n * 8 // 10], prose[n * 8 // 10 : n * 9 // 10], prose[n * 9 // 10 :]


def main(target=TARGET):
    train, middle, _ = tenths()
    vocab = Vocabulary([c for s in train for c in s])
    eos, V = vocab.indices[EOS], len(vocab)
    tokens, held_out = (
        np.array([i for s in sentences for i in [*vocab.encode(list(s)), eos]]) for sentences in (train, middle)
    )

    def init(E, H, rng, dtype):
        return init_rnn(E, H, rng, dtype=dtype) | {"W_hh": orthogonal(H, rng, dtype)}

    params, history = train_language_model(
        tokens, np.random.default_rng(0), V=V, init=init, held_out=held_out, **SETTINGS
    )
    for steps, bits in zip(history["checked"], history["held_out_bits"], strict=True):
        print(f"{steps:6} steps: {bits:.3f} bits per character on the middle tenth")
    halved = {name: p.astype(np.float16) for name, p in params.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(target, **halved)
    whole = {name: p.astype(np.float32) for name, p in halved.items()}
    print(f"as stored: {bits_per_token(log_probabilities(whole, held_out)):.3f}")
    content = target.read_bytes()
    print(f'sha256 = "{hashlib.sha256(content).hexdigest()}"\nbytes = {len(content)}')


SETTINGS = {"E": 64, "H": 512, "T": 48, "B": 32, "steps": 5000, "learning_rate": 1.5e-3, "check_every": 500}

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
