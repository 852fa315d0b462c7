"""The language model: its training step against PyTorch, its probabilities against definitions, and learning."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.gradcheck import check_gradients, relative_error
from course_lib.nn.convert import rnn_to_torch
from course_lib.recurrent import (
    bits_per_token,
    init_irnn,
    init_language_model,
    language_model_logits,
    log_probabilities,
    perplexity,
    rescore,
    rnn_backward_stepwise,
    rnn_forward_stepwise,
    rnn_layer,
    sentence_log_probability,
    shift_targets,
    simple_rnn_backward,
    simple_rnn_forward,
    streams,
    tbptt_step,
    train_language_model,
)
from course_lib.text import KneserNey, one_hot

T, B, V, E, H = 6, 3, 7, 4, 5
SOS, EOS = 2, 3


@pytest.fixture
def params(rng):
    drawn = init_language_model(V, E, H, rng, dtype=np.float64)
    return {name: rng.normal(size=p.shape) for name, p in drawn.items()}


@pytest.fixture
def chunk(rng):
    return rng.integers(V, size=(2, T, B))


def test_every_target_is_the_input_that_comes_next():
    inputs, targets = shift_targets([7, 8, 9], SOS, EOS)
    assert inputs.tolist() == [SOS, 7, 8, 9]
    assert targets.tolist() == [7, 8, 9, EOS]


def test_sentences_in_columns_are_shifted_alike(rng):
    tokens = rng.integers(4, 9, size=(T, B))
    inputs, targets = shift_targets(tokens, SOS, EOS)
    for b in range(B):
        alone = shift_targets(tokens[:, b], SOS, EOS)
        assert (inputs[:, b].tolist(), targets[:, b].tolist()) == (alone[0].tolist(), alone[1].tolist())


def test_an_empty_sentence_is_a_start_and_an_end():
    inputs, targets = shift_targets([], SOS, EOS)
    assert (inputs.tolist(), targets.tolist()) == ([SOS], [EOS])
    assert np.issubdtype(inputs.dtype, np.integer)


def test_perplexity_of_a_fair_die_is_six_and_masked_tokens_do_not_count(rng):
    assert perplexity(np.full((T, B), -math.log(6))) == pytest.approx(6)
    log_p, mask = np.log(rng.uniform(size=(T, B))), rng.uniform(size=(T, B)) < 0.5
    by_hand = math.exp(-sum(log_p[mask]) / mask.sum())
    assert perplexity(log_p, mask) == pytest.approx(by_hand)
    assert perplexity(log_p, mask) != pytest.approx(perplexity(log_p))


def test_perplexity_and_bits_are_two_ways_to_say_one_thing(rng):
    log_p = np.log(rng.uniform(size=20))
    assert perplexity(log_p) == pytest.approx(2 ** bits_per_token(log_p))


def test_a_token_ruled_out_makes_perplexity_infinite_and_none_at_all_is_refused():
    assert perplexity([-1.0, -np.inf]) == np.inf
    with pytest.raises(ValueError, match="no tokens"):
        perplexity(np.zeros(3), np.zeros(3, dtype=bool))


def test_a_sentence_is_as_likely_as_torch_says(params):
    sentence = [4, 6, 4, 5]
    inputs, targets = shift_targets(sentence, SOS, EOS)
    logits = torch.from_numpy(language_model_logits(params, inputs[:, None])[0][:, 0])
    theirs = -torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets), reduction="sum").item()
    ours = sentence_log_probability(lambda x: language_model_logits(params, x)[0], sentence, SOS, EOS)
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_probabilities_of_all_sentences_add_up_to_one():
    # Three tokens and an end that is certain after two tokens: all sentences can be listed.
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3, 4))

    def logits_of(inputs):
        rows = table[np.minimum(np.arange(len(inputs)), 2)].copy()
        rows[2:] = [-1e9, -1e9, -1e9, 0]
        return np.broadcast_to(rows[:, None], (len(inputs), inputs.shape[1], 4))

    sentences = [[], *([a] for a in range(3)), *([a, b] for a in range(3) for b in range(3))]
    total = sum(math.exp(sentence_log_probability(logits_of, s, 0, 3)) for s in sentences)
    assert total == pytest.approx(1)


def test_scores_of_thousands_do_not_overflow():
    def logits_of(inputs):
        return np.broadcast_to([5000.0, 0.0, 0.0, 0.0], (*inputs.shape, 4))

    assert sentence_log_probability(logits_of, [0], SOS, 3) == pytest.approx(-5000)


def test_rescoring_weighs_what_was_heard_against_what_is_likely_said(params):
    def logits_of(x):
        return language_model_logits(params, x)[0]

    hypotheses = [[4, 5], [5, 4, 6], [6]]
    lm = [sentence_log_probability(logits_of, s, SOS, EOS) for s in hypotheses]
    np.testing.assert_allclose(rescore(hypotheses, logits_of, SOS, EOS), lm)
    heard = [-1.0, -2.0, -3.0]
    np.testing.assert_allclose(
        rescore(hypotheses, logits_of, SOS, EOS, scores=heard, weight=0.5), 0.5 * np.array(lm) + heard
    )
    assert rescore(hypotheses, logits_of, SOS, EOS, scores=heard, weight=0).argmax() == 0


def test_looking_rows_up_equals_multiplying_one_hot_rows(params, chunk):
    inputs = chunk[0]
    expected, _, _ = rnn_layer(one_hot(inputs, V) @ params["W_xe"], {k: params[k] for k in ("W_xh", "W_hh", "b_h")})
    np.testing.assert_allclose(
        language_model_logits(params, inputs)[0], expected @ params["W_hy"] + params["b_y"], rtol=1e-10
    )


def test_a_training_step_has_the_loss_and_gradients_of_torch(params, chunk, rng):
    inputs, targets = chunk
    h_0 = rng.normal(size=(B, H))
    embed = torch.from_numpy(params["W_xe"]).requires_grad_(True)
    cell = rnn_to_torch({k: params[k] for k in ("W_xh", "W_hh", "b_h")})
    W_hy, b_y = (torch.from_numpy(params[k]).requires_grad_(True) for k in ("W_hy", "b_y"))
    hs, last = cell(embed[torch.from_numpy(inputs)], torch.from_numpy(h_0)[None])
    logits = hs @ W_hy + b_y
    theirs = (
        torch.nn.functional.cross_entropy(logits.reshape(-1, V), torch.from_numpy(targets).reshape(-1), reduction="sum")
        / B
    )
    theirs.backward()
    loss, grads, state = tbptt_step(params, inputs, targets, h_0)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    assert relative_error(state, last[0].detach().numpy()) < 1e-12
    expected = {
        "W_xe": embed.grad,
        "W_xh": cell.weight_ih_l0.grad.T,
        "W_hh": cell.weight_hh_l0.grad.T,
        "b_h": cell.bias_ih_l0.grad,
        "W_hy": W_hy.grad,
        "b_y": b_y.grad,
    }
    assert grads.keys() == expected.keys()
    for name, grad in expected.items():
        assert relative_error(grads[name], grad.numpy()) < 1e-12, name


def test_chunks_see_through_the_state_what_the_whole_text_sees(params, rng):
    text = rng.integers(V, size=(2 * T + 1, B))
    whole, _, end = tbptt_step(params, text[:-1], text[1:])
    first, _, state = tbptt_step(params, text[:T], text[1 : T + 1])
    second, _, state = tbptt_step(params, text[T:-1], text[T + 1 :], state)
    assert first + second == pytest.approx(whole)
    np.testing.assert_allclose(state, end, rtol=1e-10)
    forgotten, _, _ = tbptt_step(params, text[T:-1], text[T + 1 :])
    assert forgotten != pytest.approx(second)


def test_no_gradient_leaves_the_chunk(params, rng):
    # Finite differences of the second chunk's loss with its first state held constant.
    text = rng.integers(V, size=(2 * T + 1, B))
    _, _, state = tbptt_step(params, text[:T], text[1 : T + 1])
    args = params, text[T:-1], text[T + 1 :], state
    errors = check_gradients(lambda: tbptt_step(*args)[0], params, tbptt_step(*args)[1])
    assert max(errors.values()) < 1e-8, errors


def test_a_training_step_leaves_parameters_and_state_alone(params, chunk, rng):
    h_0 = rng.normal(size=(B, H))
    kept = {name: p.copy() for name, p in params.items()}, h_0.copy()
    tbptt_step(params, *chunk, h_0)
    assert all(np.array_equal(params[name], kept[0][name]) for name in params)
    assert np.array_equal(h_0, kept[1])


@pytest.mark.parametrize("size", [6, 6000])
def test_the_gradient_of_a_look_up_adds_up_all_uses_of_a_row(size, rng):
    drawn = init_language_model(size, E, H, rng, dtype=np.float64)
    params = drawn | {"W_hy": rng.normal(size=(H, size))}
    inputs, targets = rng.integers(5, size=(2, T, B))
    embed = torch.from_numpy(params["W_xe"]).requires_grad_(True)
    cell = rnn_to_torch({k: params[k] for k in ("W_xh", "W_hh", "b_h")})
    logits = cell(embed[torch.from_numpy(inputs)])[0] @ torch.from_numpy(params["W_hy"])
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="sum")
    (loss / B).backward()
    assert relative_error(tbptt_step(params, inputs, targets)[1]["W_xe"], embed.grad.numpy()) < 1e-12


def test_a_layer_of_another_kind_trains_as_well(params, chunk):
    def relu_layer(xs, inner, state=None):
        hs = simple_rnn_forward(xs, **inner, h_0=state)
        return hs, hs[-1], lambda dhs: simple_rnn_backward(dhs, hs, xs, **inner, h_0=state)

    loss, grads, _ = tbptt_step(params, *chunk, layer=relu_layer)
    assert loss != pytest.approx(tbptt_step(params, *chunk)[0])
    errors = check_gradients(lambda: tbptt_step(params, *chunk, layer=relu_layer)[0], params, grads)
    assert max(errors.values()) < 1e-6, errors
    turns = np.arange(300) % 3
    kwargs = {"V": 3, "E": 4, "H": 16, "T": 5, "B": 4, "steps": 300, "learning_rate": 1e-2}
    init = partial(init_irnn, std=0.3, scale=0.5)
    _, history = train_language_model(turns, np.random.default_rng(1), init=init, layer=relu_layer, **kwargs)
    assert history["bits"][-1] < 0.1 < 1.5 < history["bits"][0]


@pytest.mark.parametrize("chunk_length", [1, 4, 100])
def test_log_probabilities_do_not_depend_on_the_chunk(chunk_length, params, rng):
    text = rng.integers(V, size=11)
    inputs, targets = text[:-1], text[1:]
    logits = torch.from_numpy(language_model_logits(params, inputs[:, None])[0][:, 0])
    theirs = torch.log_softmax(logits, dim=-1).numpy()[np.arange(10), targets]
    np.testing.assert_allclose(log_probabilities(params, text, chunk=chunk_length), theirs, rtol=1e-9)


def test_texts_side_by_side_are_scored_as_each_alone(params, rng):
    texts = rng.integers(V, size=(9, B))
    together = log_probabilities(params, texts)
    for b in range(B):
        np.testing.assert_allclose(together[:, b], log_probabilities(params, texts[:, b]), rtol=1e-9)


def test_streams_hold_the_text_in_order(rng):
    columns = streams(np.arange(23), 4)
    assert columns.shape == (5, 4)
    assert columns.T.ravel().tolist() == list(range(20))


@pytest.fixture(scope="module")
def novel():
    text = data.load("pride-prejudice")[:60_000].lower()
    letters = sorted(set(text))
    codes = np.array([letters.index(c) for c in text])
    return codes[:50_000], codes[50_000:], len(letters)


SMALL = {"E": 16, "H": 48, "T": 16, "B": 16, "learning_rate": 8e-3}


def test_a_small_model_of_a_novel_beats_pairs_of_letters_on_text_it_has_not_seen(novel):
    train, test, size = novel
    params, history = train_language_model(train, np.random.default_rng(11), V=size, steps=500, **SMALL)
    bits = bits_per_token(log_probabilities(params, test))
    assert history["bits"][0] == pytest.approx(math.log2(size)), "untrained, it finds all characters equally likely"
    pairs, single = (KneserNey(n, size).fit(train).bits_per_token(test) for n in (2, 1))
    assert bits < pairs - 0.2 < single - 0.5


def test_the_same_seed_gives_the_same_model_to_the_last_bit_and_another_seed_another(novel):
    train, _, size = novel
    runs = [train_language_model(train, np.random.default_rng(s), V=size, steps=15, **SMALL) for s in (3, 3, 4)]
    (first, log), (again, log_again), (other, _) = runs
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert np.array_equal(log["bits"], log_again["bits"])
    assert not np.array_equal(first["W_hh"], other["W_hh"])


def test_training_stops_early_and_returns_the_best_parameters(novel):
    train, test, size = novel
    kwargs = SMALL | {"learning_rate": 0.03, "B": 4, "steps": 3000, "check_every": 20, "patience": 3}
    params, history = train_language_model(
        train[:1500], np.random.default_rng(0), V=size, held_out=test[:1000], **kwargs
    )
    assert len(history["bits"]) < 3000, "a text of 1500 letters is learned by heart long before"
    assert history["checked"][-1] == len(history["bits"])
    assert history["held_out_bits"].argmin() == len(history["held_out_bits"]) - 1 - 3
    assert bits_per_token(log_probabilities(params, test[:1000])) == history["held_out_bits"].min()


def test_the_state_is_carried_from_chunk_to_chunk_and_dropped_at_the_start_of_the_text(novel):
    train, _, size = novel
    states = []

    def watched(params, inputs, targets, state=None):
        loss, grads, after = tbptt_step(params, inputs, targets, state)
        states.append((state, after))
        return loss, grads, after

    train_language_model(train[:400], np.random.default_rng(0), V=size, steps=9, step=watched, **(SMALL | {"B": 4}))
    fresh = [t for t, (before, _) in enumerate(states) if before is None]
    assert fresh == [0, 6]
    assert all(states[t][0] is states[t - 1][1] for t in range(9) if t not in fresh)


def test_functions_handed_in_are_the_ones_that_run(novel):
    train, _, size = novel
    calls = []

    def forward(*args, **kwargs):
        calls.append("forward")
        return rnn_forward_stepwise(*args, **kwargs)

    def backward(*args, **kwargs):
        calls.append("backward")
        return rnn_backward_stepwise(*args, **kwargs)

    layer = partial(rnn_layer, forward=forward, backward=backward)
    mine, _ = train_language_model(train, np.random.default_rng(0), V=size, steps=3, layer=layer, **SMALL)
    assert calls == ["forward", "backward"] * 3
    theirs, _ = train_language_model(train, np.random.default_rng(0), V=size, steps=3, **SMALL)
    np.testing.assert_allclose(mine["W_hh"], theirs["W_hh"], atol=1e-4)


def test_progress_wraps_the_steps(novel):
    train, _, size = novel
    shown = []

    def progress(steps):
        for step in steps:
            shown.append(step)
            yield step

    train_language_model(train, np.random.default_rng(0), V=size, steps=4, progress=progress, **SMALL)
    assert shown == [0, 1, 2, 3]


def test_parameters_handed_in_are_where_training_starts(novel):
    train, _, size = novel
    start = init_language_model(size, SMALL["E"], SMALL["H"], np.random.default_rng(9))
    begun = start["W_xe"].copy()
    params, _ = train_language_model(train, np.random.default_rng(0), V=size, steps=1, params=start, **SMALL)
    assert np.abs(params["W_xe"] - begun).max() < 0.1


def test_a_text_too_short_for_its_streams_is_refused():
    with pytest.raises(ValueError, match="the text has 50 tokens, 3 in each of 16 streams; expected 2 T = 32"):
        train_language_model(np.zeros(50, dtype=int), np.random.default_rng(0), V=3, T=16, B=16)
