"""Train the chapter on language models' network from three starts: ``python -m benchmarks.lm_starts [SEED ...]``.

The page trains one, since three would take it minutes. Here each start is trained with the page's own settings, its
share in the mixture is chosen on the ninth tenth, and the report is on the last: bits per character, and what the
network pays more than the counts for the first letters of words: with all that came before, and with six characters of
it, read from a state of zeros or from the average state. About a minute per start on one core.
"""

import ast
import re
import sys
from pathlib import Path

import numpy as np

from benchmarks.austen_rnn import tenths
from course_lib.functional import softmax
from course_lib.recurrent import (
    init_rnn,
    language_model_logits,
    log_probabilities,
    orthogonal,
    rnn_forward,
    train_language_model,
)
from course_lib.text import EOS, KneserNey, Vocabulary

PAGE = Path(__file__).parents[1] / "book" / "recurrent" / "language-models.md"
SETTINGS = ast.literal_eval(re.search(r"^how = (\{.*?\})$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1])
SHARES = np.arange(0, 1.01, 0.05)
LOW, HIGH = 5, 7  # the orders that the page reports; it chooses the second on the ninth tenth


def init(E, H, rng, dtype):
    return init_rnn(E, H, rng, dtype=dtype) | {"W_hh": orthogonal(H, rng, dtype)}


def mixed(one, other, share):
    """Bits of each token under the average of two models, from the bits that each pays."""
    return -np.log2(share * 0.5**one + (1 - share) * 0.5**other)


def best_mixture(one, other, name):
    """Choose the share on the ninth tenth; return the bits on the last one, each model's price given for both."""
    share = SHARES[np.argmin([mixed(one[0], other[0], share).mean() for share in SHARES])]
    bits = mixed(one[1], other[1], share)
    print(f"{name:28} {bits.mean():.3f} bits ({share:.2f} of it is the first)")
    return bits


def first_letters(text, vocab):
    """Places of the first letters of words, the text's very beginning left out."""
    letter = np.array([len(token) == 1 and token.isalpha() for token in vocab.tokens])[text]
    at = np.flatnonzero(letter[1:] & ~letter[:-1]) + 1
    return at[at >= 12]


def main(seeds=(0, 1, 2)):
    train, middle, last = tenths()
    vocab = Vocabulary([c for s in train for c in s])
    eos, V = vocab.indices[EOS], len(vocab)
    tokens, *texts = (
        np.array([i for s in part for i in [*vocab.encode(list(s)), eos]]) for part in (train, middle, last)
    )
    counters = {n: KneserNey(n, V).fit(tokens) for n in (LOW, HIGH)}
    counts = {n: [model.log_probabilities(text)[1:] / -np.log(2) for text in texts] for n, model in counters.items()}
    print(f"settings of the page: {SETTINGS}\nbits per character on the last tenth:")
    for n, (_, price) in counts.items():
        print(f"{f'order {n}':28} {price.mean():.3f}")
    best_mixture(counts[LOW], counts[HIGH], f"orders {LOW} and {HIGH} mixed")
    first = first_letters(texts[1], vocab)
    six = np.stack([texts[1][first - back] for back in range(6, 0, -1)])
    for seed in seeds:
        params, _ = train_language_model(tokens, np.random.default_rng(seed), V=V, init=init, **SETTINGS)
        price = [log_probabilities(params, text) / -np.log(2) for text in texts]
        print(f"start {seed}: {'network':18} {price[1].mean():.3f} ({price[0].mean():.3f} on the ninth tenth)")
        best_mixture(price, counts[HIGH], f"   mixed with order {HIGH}")
        states = rnn_forward(params["W_xe"][texts[0]][:, None], *(params[name] for name in ("W_xh", "W_hh", "b_h")))
        paid = {"all": price[1][first - 1]}
        for name, state in (
            ("six from zeros", np.zeros_like(states[0, 0])),
            ("six from the average", states.mean((0, 1))),
        ):
            scores = language_model_logits(params, six, np.tile(state, (len(first), 1)))[0][-1]
            paid[name] = -np.log2(softmax(scores)[np.arange(len(first)), texts[1][first]])
        more = (f"{name} {np.mean(bits - counts[HIGH][1][first - 1]):+.3f}" for name, bits in paid.items())
        print(f"   first letters, more than order {HIGH}, characters read: {', '.join(more)}", flush=True)


if __name__ == "__main__":
    main(*[tuple(map(int, sys.argv[1:]))] if sys.argv[1:] else [])
