"""Drawing and searching: frequencies against probabilities, beams against all sequences there are."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.recurrent import (
    beam_search,
    extend_beams,
    generate,
    greedy,
    init_language_model,
    keep_top_k,
    keep_top_p,
    language_model_logits,
    language_model_step,
    next_probabilities,
    rank_hypotheses,
    sample,
    take_rows,
)

P = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
MANY = np.broadcast_to(np.log(P), (40_000, 5))


def frequencies(rng, **how):
    return np.bincount(sample(MANY, rng, **how), minlength=5) / len(MANY)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, P),
        ({"temperature": 0.5}, P**2),
        ({"temperature": 2.0}, P**0.5),
        ({"top_k": 2}, P * [1, 1, 0, 0, 0]),
        ({"top_k": 5}, P),
        ({"top_k": 9}, P),
        ({"top_p": 0.69}, P * [1, 1, 0, 0, 0]),
        ({"top_p": 0.71}, P * [1, 1, 1, 0, 0]),
        ({"top_p": 1.0}, P),
        ({"top_p": 1e-9}, [1, 0, 0, 0, 0]),
        ({"refuse": [0, 3]}, P * [0, 1, 1, 0, 1]),
        # Refused tokens are struck out before the others are counted: k and p speak of what is left.
        ({"refuse": [0], "top_k": 2}, P * [0, 1, 1, 0, 0]),
        ({"refuse": [0], "top_p": 0.49}, P * [0, 1, 0, 0, 0]),
        # The nucleus is that of the tempered probabilities: 0.16, 0.09, 0.0225 ... of 0.285.
        ({"temperature": 0.5, "top_p": 0.6}, P**2 * [1, 1, 0, 0, 0]),
        ({"temperature": 0.5, "top_p": 0.55}, [1, 0, 0, 0, 0]),
        # Of the best three, the first two have 0.82 of the probability.
        ({"top_k": 3, "top_p": 0.8}, P * [1, 1, 0, 0, 0]),
    ],
    ids=str,
)
def test_tokens_come_as_often_as_they_should(how, expected, rng):
    expected = np.asarray(expected, dtype=float)
    expected /= expected.sum()
    found = frequencies(rng, **how)
    assert (found[expected == 0] == 0).all(), "a token that was struck out was drawn"
    np.testing.assert_allclose(found, expected, atol=0.012)


def test_the_order_of_the_tokens_does_not_matter(rng):
    shuffle = rng.permutation(5)
    drawn = sample(MANY[:, shuffle], rng, top_k=3, temperature=0.7)
    found = np.bincount(shuffle[drawn], minlength=5) / len(MANY)
    expected = P ** (1 / 0.7) * [1, 1, 1, 0, 0]
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.012)


def test_each_row_draws_from_its_own_scores_and_on_its_own(rng):
    rows = np.repeat(np.array([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]]), 500, axis=0)
    assert np.mean(sample(rows, rng) == np.repeat([0, 1, 2], 500)) > 0.99
    assert len(set(sample(np.zeros((200, 50)), rng).tolist())) > 30


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=6), st.integers(0, 2**32))
def test_temperature_zero_is_the_likeliest_and_the_first_among_equals(scores, seed):
    logits = np.array([scores], dtype=float)
    rng = np.random.default_rng(seed)
    assert sample(logits, rng, temperature=0).tolist() == [scores.index(max(scores))]
    assert sample(logits, rng, top_k=1).tolist() == [scores.index(max(scores))]
    assert scores[sample(logits, rng, temperature=1e-6)[0]] == max(scores)


def test_among_equals_top_k_keeps_the_lower_indices(rng):
    drawn = sample(np.zeros((500, 6)), rng, top_k=2)
    assert set(drawn.tolist()) == {0, 1}


def test_scores_of_thousands_and_shifted_scores_are_drawn_alike():
    far = np.array([[5000.0, 0.0, -5000.0]])
    assert sample(far, np.random.default_rng(0), temperature=0.01).tolist() == [0]
    draws = [sample(MANY[:300] + shift, np.random.default_rng(4)) for shift in (0, 1000)]
    assert np.array_equal(*draws)


def test_sampling_leaves_the_scores_alone(rng):
    logits = rng.normal(size=(3, 4))
    kept = logits.copy()
    sample(logits, rng, refuse=[1], top_k=2, top_p=0.5)
    assert np.array_equal(logits, kept)


def test_refusing_everything_and_scores_that_are_no_numbers_are_refused(rng):
    with pytest.raises(ValueError, match="is every token refused"):
        sample(np.zeros((1, 2)), rng, refuse=[0, 1])
    with pytest.raises(ValueError, match="has training failed"):
        sample(np.full((1, 2), np.nan), rng, temperature=0)


def test_probabilities_are_those_of_torch_at_every_temperature(rng):
    logits = rng.normal(size=(3, 5))
    for temperature in (0.1, 1.0, 3.0):
        theirs = torch.softmax(torch.from_numpy(logits) / temperature, dim=-1).numpy()
        np.testing.assert_allclose(next_probabilities(logits, temperature), theirs, rtol=1e-12)
    assert next_probabilities(logits, 0)[np.arange(3), logits.argmax(axis=-1)].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="has training failed"):
        next_probabilities(np.array([[0.0, np.nan, 1.0]]))


def test_filters_keep_what_a_sort_by_hand_keeps(rng):
    for _ in range(50):
        p = rng.dirichlet(np.ones(6), size=2)
        k, top_p = int(rng.integers(1, 9)), float(rng.uniform(0.05, 1))
        for row, by_k, by_p in zip(p, keep_top_k(p, k), keep_top_p(p, top_p), strict=True):
            ranked = sorted(range(6), key=lambda token: -row[token])
            nucleus = next(n for n in range(1, 7) if n == 6 or sum(row[ranked[:n]]) >= top_p)
            for found, kept in ((by_k, ranked[:k]), (by_p, ranked[:nucleus])):
                expected = np.where(np.isin(np.arange(6), kept), row, 0)
                np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)


def test_a_nucleus_that_is_just_enough_is_enough_and_equals_go_by_index():
    p = np.array([[0.25, 0.125, 0.5, 0.125]])
    assert keep_top_p(p, 0.75).astype(bool).tolist() == [[True, False, True, False]]
    assert keep_top_p(p, 0.8).astype(bool).tolist() == [[True, True, True, False]]
    assert keep_top_k(p, 3).astype(bool).tolist() == [[True, True, True, False]]


V, E, H, EOS = 4, 3, 6, 3


@pytest.fixture
def model(rng):
    params = init_language_model(V, E, H, rng, dtype=np.float64)
    return {name: rng.normal(size=p.shape) for name, p in params.items()}


def test_stepping_gives_the_scores_of_reading_at_once(model, rng):
    step, tokens = language_model_step(model), rng.integers(V, size=(5, 2))
    whole, _ = language_model_logits(model, tokens)
    state = None
    for t in range(5):
        logits, state = step(tokens[t], state)
        np.testing.assert_allclose(logits, whole[t], rtol=1e-10)


def test_greedy_takes_the_best_next_token_given_all_before(model, rng):
    prompt = rng.integers(V - 1, size=(2, 3))
    for b, added in enumerate(greedy(language_model_step(model), prompt, max_length=8, eos=EOS)):
        read = prompt[:, b].tolist()
        for token in added:
            logits, _ = language_model_logits(model, np.array(read)[:, None])
            assert token == logits[-1, 0].argmax()
            read.append(token)
        assert len(added) == 8 or added[-1] == EOS
        assert EOS not in added[:-1]


def test_generated_texts_come_as_often_as_the_model_says(model):
    count = 20_000
    prompt = np.zeros((1, count), dtype=int)
    texts = generate(language_model_step(model), prompt, np.random.default_rng(1), max_length=2, eos=EOS)
    for text in [[EOS], [0, EOS], [1, 2]]:
        read = np.array([0, *text])
        logits, _ = language_model_logits(model, read[:-1, None])
        p = np.exp(torch.log_softmax(torch.from_numpy(logits[:, 0]), -1).numpy()[np.arange(len(text)), text].sum())
        assert texts.count(text) / count == pytest.approx(p, abs=0.012)


def test_generation_repeats_itself_with_the_same_seed_and_passes_its_wishes_on(model):
    prompt, step = np.zeros((1, 50), dtype=int), language_model_step(model)
    runs = [generate(step, prompt, np.random.default_rng(2), max_length=6, refuse=[1]) for _ in range(2)]
    assert runs[0] == runs[1]
    assert {len(text) for text in runs[0]} == {6}, "without an end, none ends"
    assert {token for text in runs[0] for token in text} == {0, 2, 3}
    assert generate(step, prompt, np.random.default_rng(2), max_length=0) == [[]] * 50


def test_a_way_to_draw_handed_in_is_the_one_that_runs(model):
    def always_two(logits, rng):
        return np.full(len(logits), 2)

    prompt = np.zeros((1, 2), dtype=int)
    assert generate(language_model_step(model), prompt, max_length=3, draw=always_two) == [[2, 2, 2], [2, 2, 2]]


def every_hypothesis(model, start, max_length):
    """All sequences that end in EOS or reach max_length, with their log probabilities, best first."""
    found = []
    for length in range(1, max_length + 1):
        for tokens in itertools.product(range(V), repeat=length):
            if EOS in tokens[:-1] or (length < max_length and tokens[-1] != EOS):
                continue
            logits, _ = language_model_logits(model, np.array([start, *tokens[:-1]])[:, None])
            log_p = torch.log_softmax(torch.from_numpy(logits[:, 0]), -1).numpy()
            found.append((list(tokens), log_p[np.arange(length), tokens].sum()))
    return sorted(found, key=lambda pair: -pair[1])


def test_a_beam_as_wide_as_the_search_finds_the_best_of_all_sequences(model):
    starts = np.array([0, 2])
    results = beam_search(language_model_step(model), starts, width=V**3, max_length=3, eos=EOS)
    for start, found in zip(starts, results, strict=True):
        expected = every_hypothesis(model, start, 3)
        assert [tokens for tokens, _ in found] == [tokens for tokens, _ in expected]
        np.testing.assert_allclose([log_p for _, log_p in found], [log_p for _, log_p in expected], rtol=1e-9)


def test_a_beam_of_one_is_greedy(model):
    starts = np.array([0, 1, 2])
    step = language_model_step(model)
    found = beam_search(step, starts, width=1, max_length=7, eos=EOS)
    assert [beams[0][0] for beams in found] == greedy(step, starts[None], max_length=7, eos=EOS)


@pytest.mark.parametrize("width", [2, 3])
def test_sequences_side_by_side_are_searched_as_each_alone(width, model):
    step, starts = language_model_step(model), np.array([0, 1, 2])
    together = beam_search(step, starts, width=width, max_length=6, eos=EOS)
    for b in range(3):
        (alone,) = beam_search(step, starts[b : b + 1], width=width, max_length=6, eos=EOS)
        assert [tokens for tokens, _ in together[b]] == [tokens for tokens, _ in alone]


def test_a_log_probability_is_that_of_its_tokens(model):
    (found,) = beam_search(language_model_step(model), np.array([0]), width=3, max_length=5, eos=EOS)
    for tokens, log_p in found:
        logits, _ = language_model_logits(model, np.array([0, *tokens[:-1]])[:, None])
        theirs = torch.log_softmax(torch.from_numpy(logits[:, 0]), -1).numpy()
        assert log_p == pytest.approx(theirs[np.arange(len(tokens)), tokens].sum())
        assert EOS not in tokens[:-1]


def test_a_length_power_prefers_longer_hypotheses():
    # Worked by hand: the end at once 0.4; 1 and the end 0.6 * 0.4; 1, 2 and the end 0.6 * 0.6.
    chances = np.array([[0, 0.6, 0, 0.4], [0, 0, 0.6, 0.4], [0, 0, 0, 1.0], [0, 0, 0, 1.0]])

    def step(tokens, state):
        return np.log(chances[tokens] + 1e-300), state

    ranked = [
        beam_search(step, np.array([0]), width=3, max_length=3, eos=EOS, length_power=power)[0] for power in (0, 1)
    ]
    assert [[tokens for tokens, _ in found] for found in ranked] == [
        [[3], [1, 2, 3], [1, 3]],
        [[1, 2, 3], [1, 3], [3]],
    ]
    np.testing.assert_allclose(np.exp([log_p for _, log_p in ranked[0]]), [0.4, 0.36, 0.24])


def test_a_state_of_several_parts_follows_its_hypothesis(model):
    plain = language_model_step(model)

    def step(tokens, state):
        logits, h = plain(tokens, state[0])
        return logits, (h, (state[1][0] + 1,))

    state = np.zeros((1, H)), (np.zeros(1),)
    found = beam_search(step, np.array([0]), width=3, max_length=4, eos=EOS, state=state)
    assert found == beam_search(plain, np.array([0]), width=3, max_length=4, eos=EOS)


def test_ties_go_to_the_better_beginning_and_then_to_the_lower_token():
    def know_nothing(tokens, state):
        return np.zeros((len(tokens), V)), state

    (found,) = beam_search(know_nothing, np.array([0]), width=3, max_length=2, eos=EOS)
    assert [tokens for tokens, _ in found] == [[0, 0], [0, 1], [0, 2]]


def test_a_step_of_the_search_keeps_the_best_of_all_extensions(rng):
    B, width, size = 3, 4, 6
    worth, log_p = rng.normal(size=(B, width)), rng.normal(size=(B, width, size))
    ended = rng.uniform(size=(B, width)) < 0.5
    found = extend_beams(worth, log_p, ended, EOS)
    for b in range(B):
        every = []
        for i in range(width):
            if ended[b, i]:
                every.append((worth[b, i], i, EOS))
            else:
                every += [(worth[b, i] + log_p[b, i, v], i, v) for v in range(size)]
        expected = sorted(every, reverse=True)[:width]
        assert list(zip(*(part[b].tolist() for part in found), strict=True)) == expected


def test_a_step_of_the_search_handed_in_is_the_one_that_runs(model):
    def always_one(worth, log_p, ended, eos):
        return worth - 1, np.zeros(worth.shape, dtype=int), np.full(worth.shape, 1)

    (found,) = beam_search(language_model_step(model), np.array([0]), width=2, max_length=3, eos=EOS, extend=always_one)
    assert found == [([1, 1, 1], -3.0)]


def test_hypotheses_end_at_their_end_and_places_not_taken_are_left_out():
    history = np.array([[[0, EOS, EOS], [0, 1, 2], [0, 0, 0]]])
    assert rank_hypotheses(history, np.array([[-2.0, -1.0, -np.inf]]), EOS) == [[([0, 1, 2], -1.0), ([0, EOS], -2.0)]]


def test_rows_of_a_state_are_picked_at_any_depth():
    state = np.arange(3), (np.arange(6).reshape(3, 2), None)
    first, (second, nothing) = take_rows(state, [2, 2, 0])
    assert (first.tolist(), second.tolist(), nothing) == ([2, 2, 0], [[4, 5], [4, 5], [0, 1]], None)
