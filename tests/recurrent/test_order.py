"""The experiments on order: mirrors are mirrors, and the chapter's claims hold on seeds that it does not use."""

from collections import Counter

import numpy as np
import pytest

from course_lib.recurrent import order, rnn_forward

WORDS = order.vocabulary()
V = len(WORDS)


def one_hot_words(sentences):
    lengths = np.array([len(sentence) for sentence in sentences])
    xs = np.zeros((lengths.max(), len(sentences), V), np.float32)
    for b, sentence in enumerate(sentences):
        xs[np.arange(len(sentence)), b, [WORDS.index(word) for word in sentence]] = 1
    return xs, lengths


def test_mirrors_have_the_same_words_and_opposite_answers(rng):
    sentences, labels = order.mirrored(rng, pairs=200, frames=order.FRAMES, tails=range(5))
    assert (labels[::2] + labels[1::2] == 1).all()
    for one, other in zip(sentences[::2], sentences[1::2], strict=True):
        assert one != other and Counter(one) == Counter(other)
    assert {word for sentence in sentences for word in sentence} <= set(WORDS)


def test_the_answer_is_whether_praise_stands_with_math(rng):
    frame = "{first} {one} {second} {other}"
    sentences, labels = order.mirrored(rng, pairs=100, frames=[frame], tails=[0])
    for (first, one, second, other), label in zip(sentences, labels, strict=True):
        assert {one, other} == {"math", "science"}
        assert label == ((first if one == "math" else second) in order.PRAISE)
    assert 0.3 < np.mean([sentence[1] == "math" for sentence in sentences]) < 0.7
    assert 0.3 < labels[::2].mean() < 0.7, "the first of a pair gives the answer away"


def test_tails_have_the_lengths_asked_for_and_say_the_same_in_both_mirrors(rng):
    frame = order.FRAMES[0]
    bare = len(order.mirrored(rng, pairs=1, frames=[frame], tails=[0])[0][0])
    sentences, _ = order.mirrored(rng, pairs=60, frames=[frame], tails=[3, 50])
    assert {len(sentence) - bare for sentence in sentences} == {3, 50}
    assert all(a[bare:] == b[bare:] for a, b in zip(sentences[::2], sentences[1::2], strict=True))


def test_tails_hold_trained_words_only_unless_asked_for_the_long_one(rng):
    frames = set(" ".join(order.FRAMES).split())
    assert len(order.TAIL) == 8, "a training tail of up to eight words shows each"
    assert set(order.LONG_TAIL) - frames - set(order.TAIL) == {"sent", "to", "school", "drawer"}
    for words in (order.TAIL, order.LONG_TAIL):
        (sentence, _), _ = order.mirrored(rng, pairs=1, frames=["{name}"], tails=[30], words=words)
        assert sentence[1:] == [*words * 4][:30]


def test_frames_are_all_different():
    assert len(set(order.FRAMES)) == len(order.FRAMES) == 240


def test_reader_tells_mirrors_apart_in_frames_it_has_not_seen():
    rng = np.random.default_rng(77)
    frames = rng.permutation(order.FRAMES)

    def draw(step):
        sentences, labels = order.mirrored(rng, pairs=16, frames=frames[:80], tails=range(9))
        return *one_hot_words(sentences), labels

    params, history = order.train_reader(draw, V, rng, H=32, steps=1500, learning_rate=3e-3)
    assert history[-50:].mean() < 0.1 < 0.6 < history[:20].mean()
    sentences, labels = order.mirrored(rng, pairs=200, frames=frames[-40:], tails=[8])
    assert np.mean(order.reader_answers(params, *one_hot_words(sentences)) == labels) > 0.9


def test_dense_network_on_a_bag_is_right_on_exactly_half(rng):
    def bags(pairs):
        sentences, labels = order.mirrored(rng, pairs=pairs, frames=order.FRAMES, tails=range(9))
        xs, _ = one_hot_words(sentences)
        return xs.sum(axis=0), labels

    params, _ = order.train_dense(lambda step: bags(16), V, rng, steps=100)
    counts, labels = bags(300)
    assert np.mean(order.dense_answers(params, counts) == labels) == 0.5


def test_dense_network_learns_what_its_inputs_tell(rng):
    def draw(step):
        x = rng.normal(size=(64, 3)).astype(np.float32)
        return x, (x[:, 0] * x[:, 1] > 0).astype(int)

    params, _ = order.train_dense(draw, 3, rng)
    x, labels = draw(0)
    assert np.mean(order.dense_answers(params, x) == labels) > 0.85


@pytest.mark.parametrize("seed", [31, 32])
def test_parity_is_not_learnt_from_ten_bits_but_from_growing_lengths(seed):
    right = {}
    for name in ("ten", "growing"):
        rng = np.random.default_rng(seed)

        def draw(step, name=name, rng=rng):
            longest = 2 + min(8, 8 * step // 1000)
            length = 10 if name == "ten" else rng.integers(2, longest + 1)
            return order.parity_strings(rng, batch=64, length=length)

        params, _ = order.train_reader(draw, 1, rng, steps=1500)
        xs, lengths, odd = order.parity_strings(rng, batch=1000, length=10)
        right[name] = np.mean(order.reader_answers(params, xs, lengths) == odd)
    assert right["ten"] < 0.6 and right["growing"] > 0.95


def test_parity_strings_are_labelled_by_their_ones(rng):
    xs, lengths, odd = order.parity_strings(rng, batch=50, length=7)
    assert xs.shape == (7, 50, 1) and (lengths == 7).all()
    assert np.array_equal(xs.sum(axis=(0, 2)) % 2, odd)


def test_functions_handed_in_are_the_ones_that_run(rng):
    calls = []

    def counted(xs, W_xh, W_hh, b_h, h_0=None):
        calls.append(len(xs))
        return rnn_forward(xs, W_xh, W_hh, b_h, h_0)

    def draw(step):
        return order.parity_strings(rng, batch=4, length=3 + step)

    params, _ = order.train_reader(draw, 1, rng, steps=2, forward=counted)
    xs, lengths, _ = draw(5)
    order.reader_answers(params, xs, lengths, forward=counted)
    assert calls == [3, 4, 8]
