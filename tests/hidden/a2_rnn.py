"""Hidden tests of a2-rnn. Each takes the function it judges as its first argument, named after the exercise.

Sizes all differ, so a transposed or swapped axis cannot pass, and numbers are drawn afresh, so a constant cannot.
"""

import numpy as np

from tests.hidden.support import different_sizes, expect_array, expect_close, expect_number, expect_unchanged

REFERENCES = {
    "rnn_step": "course_lib.recurrent.rnn",
    "rnn_forward": "course_lib.recurrent.rnn",
    "many_to_one": "course_lib.recurrent.readouts",
    "softmax": "course_lib.functional",
    "cross_entropy_over_time": "course_lib.recurrent.losses",
    "binary_cross_entropy_over_time": "course_lib.recurrent.losses",
    "bidirectional_forward": "course_lib.recurrent.layers",
    "stacked_forward": "course_lib.recurrent.layers",
}

# Not asked for, but with them an exercise is one line: gone as well while a2-rnn is graded.
ABSENT = {
    "log_softmax": "course_lib.functional",
    "rnn_forward_stepwise": "course_lib.recurrent.rnn",
    "simple_rnn_forward": "course_lib.recurrent.activations",
    "skip_rnn_forward": "course_lib.recurrent.skips",
    "forward_through_time": "course_lib.recurrent.bptt",
    "stacked_with_skips": "course_lib.recurrent.layers",
}


def _weights(rng, D, H):
    return {
        "W_xh": rng.normal(size=(D, H)),
        "W_hh": rng.normal(size=(H, H)),
        "b_h": rng.normal(size=H),
    }


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- rnn_step ---------------------------------------------------------------------------------------------------


def test_one_step_follows_the_equation(rnn_step, rng):
    B, D, H = different_sizes(rng, 3)
    x, h, w = rng.normal(size=(B, D)), rng.normal(size=(B, H)), _weights(rng, D, H)
    from_x, from_h, b = x @ w["W_xh"], h @ w["W_hh"], w["b_h"]
    got = rnn_step(x, h, **w)
    expect_array(got, (B, H), "(B, H)")
    expect_close(
        got,
        np.tanh(from_x + from_h + b),
        "the state differs from tanh(x_t W_xh + h_prev W_hh + b_h)",
        {
            "h_prev has no effect: is h_prev @ W_hh missing?": np.tanh(from_x + b),
            "x_t has no effect: is x_t @ W_xh missing?": np.tanh(from_h + b),
            "b_h is not added": np.tanh(from_x + from_h),
            "b_h is added after the tanh; it belongs inside": np.tanh(from_x + from_h) + b,
            "b_h is subtracted; it should be added": np.tanh(from_x + from_h - b),
            "the tanh is missing": from_x + from_h + b,
            "the sigmoid is used instead of the tanh": _sigmoid(from_x + from_h + b),
            "ReLU is used instead of the tanh": np.maximum(from_x + from_h + b, 0),
            "W_hh is transposed: with rows as examples the product is h_prev @ W_hh": np.tanh(
                from_x + h @ w["W_hh"].T + b
            ),
            "tanh is applied to each part; it belongs around the sum": np.tanh(from_x) + np.tanh(from_h + b),
            "the two parts are multiplied; they should be added": np.tanh(from_x * from_h + b),
        },
    )


def test_rows_of_a_batch_do_not_mix(rnn_step, rng):
    B, D, H = different_sizes(rng, 3, low=3)
    x, h, w = rng.normal(size=(B, D)), rng.normal(size=(B, H)), _weights(rng, D, H)
    together = rnn_step(x, h, **w)
    expect_array(together, (B, H), "(B, H)")
    for b in range(B):
        alone = rnn_step(x[b : b + 1], h[b : b + 1], **w)
        expect_array(alone, (1, H), "(B, H) with B = 1")
        expect_close(
            together[b : b + 1], alone, "a sequence's state depends on the others in its batch: rows must not mix"
        )


def test_step_leaves_its_arguments_alone(rnn_step, rng):
    B, D, H = different_sizes(rng, 3)
    args = {"x_t": rng.normal(size=(B, D)), "h_prev": rng.normal(size=(B, H)), **_weights(rng, D, H)}
    before = {name: a.copy() for name, a in args.items()}
    rnn_step(**args)
    expect_unchanged(before, args)


# --- rnn_forward ------------------------------------------------------------------------------------------------


def _run(xs, W_xh, W_hh, b_h, h_0=None, act=np.tanh):
    h = np.zeros((xs.shape[1], len(b_h))) if h_0 is None else h_0
    hs = []
    for x in xs:
        h = act(x @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    return np.stack(hs)


def test_every_state_of_a_sequence_follows_from_the_one_before(rnn_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    xs, w = rng.normal(size=(T, B, D)), _weights(rng, D, H)
    want = _run(xs, **w)
    got = rnn_forward(xs, **w)
    assert not (isinstance(got, np.ndarray) and got.shape == (B, H)), (
        "returned one state of shape (B, H); expected the states after every step, (T, B, H)"
    )
    expect_array(got, (T, B, H), "(T, B, H)")
    from_x = xs @ w["W_xh"] + w["b_h"]
    expect_close(
        got,
        want,
        "right at t = 0, wrong later: is h_prev the state of the step before?"
        if np.allclose(got[0], want[0])
        else "wrong from t = 0 on: with h_0 left out, the state before the first step is zeros",
        {
            "every step starts from zeros: the state is not carried from one step to the next": np.tanh(from_x),
            "every step holds the last state: the same array is stored each time; store a copy": np.broadcast_to(
                want[-1], want.shape
            ),
            "the steps come in reverse order": want[::-1],
            "the sequence is read from its end": _run(xs[::-1], **w),
            "the sequence is read from its end and put back in order": _run(xs[::-1], **w)[::-1],
            "shifted by one: hs[t] should be the state after reading xs[t], not before": np.concatenate(
                [np.zeros((1, B, H)), want[:-1]]
            ),
            "W_hh is transposed: with rows as examples the product is h_prev @ W_hh": _run(
                xs, w["W_xh"], w["W_hh"].T, w["b_h"]
            ),
            "b_h is not added": _run(xs, w["W_xh"], w["W_hh"], 0 * w["b_h"]),
            "the tanh is missing": _run(xs, **w, act=lambda z: z),
            "these are the net inputs, before the tanh": np.concatenate(
                [from_x[:1], from_x[1:] + want[:-1] @ w["W_hh"]]
            ),
        },
    )


def test_a_given_first_state_is_used(rnn_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    xs, w, h_0 = rng.normal(size=(T, B, D)), _weights(rng, D, H), rng.normal(size=(B, H))
    got = rnn_forward(xs, **w, h_0=h_0.copy())
    expect_array(got, (T, B, H), "(T, B, H)")
    expect_close(
        got,
        _run(xs, **w, h_0=h_0),
        "with h_0 given, the states differ: it is the state before the first step",
        {
            "h_0 is ignored": _run(xs, **w),
            "h_0 is taken for the state after the first step; it is the one before": np.concatenate(
                [h_0[None], _run(xs[1:], **w, h_0=h_0)]
            ),
        },
    )


def test_a_sequence_may_be_read_in_two_parts(rnn_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=4, high=9)
    xs, w = rng.normal(size=(T, B, D)), _weights(rng, D, H)
    cut = int(rng.integers(1, T))
    first = rnn_forward(xs[:cut], **w)
    expect_array(first, (cut, B, H), "(T, B, H)")
    second = rnn_forward(xs[cut:], **w, h_0=first[-1].copy())
    whole = rnn_forward(xs, **w)
    expect_close(
        np.concatenate([first, second]),
        whole,
        "reading a sequence in two parts, the second from h_0 = the first's last state, gives other states",
    )


def test_inputs_move_only_what_comes_after(rnn_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    # Small weights keep the tanh from saturating, where a nudge would vanish in rounding.
    xs, w = rng.normal(size=(T, B, D)), {name: 0.5 * p for name, p in _weights(rng, D, H).items()}
    before = rnn_forward(xs, **w)
    expect_array(before, (T, B, H), "(T, B, H)")
    for k in range(T):
        nudged = xs.copy()
        nudged[k] += 1.0
        moved = np.abs(rnn_forward(nudged, **w) - before).max(axis=(1, 2)) > 1e-12
        assert not moved[:k].any(), f"changing the input at step {k} changed an earlier state"
        assert moved[k], f"changing the input at step {k} did not change the state at step {k}"
        assert moved[k:].all(), f"changing the input at step {k} did not reach every later state"


def test_forward_leaves_its_arguments_alone(rnn_forward, rng):
    T, B, D, H = different_sizes(rng, 4)
    args = {"xs": rng.normal(size=(T, B, D)), **_weights(rng, D, H), "h_0": rng.normal(size=(B, H))}
    before = {name: a.copy() for name, a in args.items()}
    rnn_forward(**args)
    expect_unchanged(before, args)


# --- many_to_one ------------------------------------------------------------------------------------------------


def test_each_sequence_answers_from_its_own_last_state(many_to_one, rng):
    B, T, H, K = different_sizes(rng, 4, low=4, high=10)
    hs, W_hy, b_y = rng.normal(size=(T, B, H)), rng.normal(size=(H, K)), rng.normal(size=K)
    lengths = rng.integers(1, T, size=B)
    lengths[:3] = rng.integers(2, T - 1), T, 1  # a middling one, the longest and the shortest
    last = hs[lengths - 1, np.arange(B)]
    wrapped = hs[np.minimum(lengths, T - 1), np.arange(B)]
    real = (np.arange(T)[:, None] < lengths)[:, :, None]
    got = many_to_one(hs, lengths, W_hy, b_y)
    expect_array(got, (B, K), "(B, K)")
    expect_close(
        got,
        last @ W_hy + b_y,
        "the answers differ from the last real state times W_hy plus b_y",
        {
            "every sequence answers from step T-1: the states after a sequence's end have read padding": hs[-1] @ W_hy
            + b_y,
            "one step late: the last of L steps has index L - 1": wrapped @ W_hy + b_y,
            "one step early: the last of L steps has index L - 1": hs[np.maximum(lengths - 2, 0), np.arange(B)] @ W_hy
            + b_y,
            "b_y is not added": last @ W_hy,
            "answers from the first state; it should be the last real one": hs[0] @ W_hy + b_y,
            "answers from the mean of the states; it should be the last real one": (hs * real).sum(0)
            / lengths[:, None]
            @ W_hy
            + b_y,
            "every sequence answers at the first one's length; each has its own": hs[lengths[0] - 1] @ W_hy + b_y,
            "returns probabilities; logits are asked for": np.exp(last @ W_hy + b_y)
            / np.exp(last @ W_hy + b_y).sum(-1, keepdims=True),
            "the tanh is not asked for: a read-out is linear": np.tanh(last @ W_hy + b_y),
        },
    )


def test_states_after_the_end_do_not_matter(many_to_one, rng):
    B, T, H, K = different_sizes(rng, 4, low=3, high=9)
    hs, W_hy, b_y = rng.normal(size=(T, B, H)), rng.normal(size=(H, K)), rng.normal(size=K)
    lengths = rng.integers(1, T, size=B)
    poisoned = hs.copy()
    poisoned[np.arange(T)[:, None] >= lengths] = np.nan
    got = many_to_one(poisoned, lengths, W_hy, b_y)
    expect_array(got, (B, K), "(B, K)")
    assert np.isfinite(got).all(), (
        "states after a sequence's end reach its answer (they held nan); multiplying them by 0 is not enough"
    )
    expect_close(got, many_to_one(hs, lengths, W_hy, b_y), "states after a sequence's end change its answer")


def test_readout_leaves_its_arguments_alone(many_to_one, rng):
    args = {
        "hs": rng.normal(size=(4, 3, 2)),
        "lengths": np.array([1, 4, 2]),
        "W_hy": rng.normal(size=(2, 5)),
        "b_y": rng.normal(size=5),
    }
    before = {name: a.copy() for name, a in args.items()}
    many_to_one(**args)
    expect_unchanged(before, args)


# --- softmax ----------------------------------------------------------------------------------------------------


def test_probabilities_follow_the_scores_along_any_axis(softmax, rng):
    shape = tuple(different_sizes(rng, 3))
    x = rng.normal(size=shape)
    for axis in (0, 1, 2, -1):
        e = np.exp(x)
        e_last = np.exp(x - x.max(axis=-1, keepdims=True))
        want = e / e.sum(axis=axis, keepdims=True)
        got = softmax(x, axis=axis)
        expect_array(got, shape, "the shape of x")
        expect_close(
            got,
            want,
            f"with axis={axis}, the values differ from exp(x) / sum of exp(x) along that axis",
            {
                f"with axis={axis}: the axis is ignored, the last one is used": e / e.sum(axis=-1, keepdims=True),
                f"with axis={axis}: the axis is ignored, the first one is used": e / e.sum(axis=0, keepdims=True),
                "divides by the sum of everything: each vector along the axis has its own sum": e / e.sum(),
                f"with axis={axis}: the largest score must be taken along the same axis as the sum": e_last
                / e_last.sum(axis=axis, keepdims=True),
                "the exponentials are not divided by their sum": e,
                "these are logarithms; probabilities are asked for": np.log(want),
                "exp(-x) is used: a higher score should get a higher probability": (1 / e)
                / (1 / e).sum(axis=axis, keepdims=True),
                "the scores are divided by their sum without exp": x / x.sum(axis=axis, keepdims=True),
                "the sigmoid of each score: the values along the axis do not add up to 1": _sigmoid(x),
            },
        )


def test_the_last_axis_is_the_default(softmax, rng):
    x = rng.normal(size=tuple(different_sizes(rng, 3)))
    want = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    expect_close(softmax(x), want, "called without axis, softmax should work along the last one")


def test_large_scores_neither_overflow_nor_vanish(softmax, rng):
    x = rng.normal(size=(3, 5))
    want = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    for shift in (1000.0, -1000.0):
        got = softmax(x + shift, axis=-1)
        assert np.all(np.isfinite(got)), (
            f"scores near {shift:.0f} give nan or infinity: exp overflows. Subtract the largest score first"
        )
        expect_close(got, want, "adding a constant to all scores changed the probabilities")
    rows_apart = x + np.array([[0.0], [-2000.0], [2000.0]])
    got = softmax(rows_apart, axis=-1)
    assert np.all(np.isfinite(got)), (
        "rows with very different scores give nan: subtract each row's own largest score, not the largest of all"
    )
    expect_close(got, want, "rows with very different scores disturb one another: each has its own largest score")
    one_far_above = np.array([[0.0, 2000.0, 0.0], [-2000.0, 0.0, -2000.0]])
    got = softmax(one_far_above, axis=-1)
    assert np.all(np.isfinite(got)), "a score far above the others gives nan: subtract the largest, not another one"
    expect_close(got, np.array([[0.0, 1.0, 0.0]] * 2), "a score 2000 above the others should get all the probability")
    columns_apart = rows_apart.T
    got = softmax(columns_apart, axis=0)
    assert np.all(np.isfinite(got)), "with axis=0: the largest score must be taken along the same axis as the sum"
    expect_close(got, want.T, "with axis=0: the largest score must be taken along the same axis as the sum")


def test_softmax_leaves_its_argument_alone(softmax, rng):
    x = rng.normal(size=(2, 3))
    before = x.copy()
    softmax(x)
    expect_unchanged({"x": before}, {"x": x})


# --- cross_entropy_over_time ------------------------------------------------------------------------------------


def _pair(got):
    assert isinstance(got, tuple | list) and len(got) == 2, (
        f"returned a {type(got).__name__}; expected two things: loss, dlogits"
    )
    return got


def _log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _ragged_mask(rng, T, B):
    lengths = rng.integers(1, T, size=B)
    lengths[0] = T
    return np.arange(T)[:, None] < lengths


def _loss_slips(each, B, T, mask):
    """Outcomes of the usual mistakes in turning a (T, B) array of losses into one number."""
    masked = each * mask
    return {
        "the mean over steps is taken; the loss of a sequence is the sum over its steps": masked.sum() / B / T,
        "the mean over real steps is taken; the loss of a sequence is the sum over its steps": masked.sum()
        / mask.sum(),
        "the sum over sequences is taken; the loss of a batch is the mean over its sequences": masked.sum(),
        "the sum over sequences and the mean over steps are taken; it should be the other way round": masked.sum() / T,
        "padding is counted: steps where mask is False must add nothing": each.sum() / B,
        "the loss is negative: a minus sign is missing": -masked.sum() / B,
        "the mask is the wrong way round: True marks real steps": (each * ~mask).sum() / B,
        "logarithms to base 2; natural ones are asked for": masked.sum() / B / np.log(2),
        "only the last step is counted; the loss sums over all": masked[-1].sum() / B,
    }


def _check_gradient(got, want, B, mask):
    unscaled = want * B
    expect_close(
        got,
        want,
        "dlogits is not the gradient of the loss: compare with finite differences",
        {
            "dlogits is not divided by B, though the loss is a mean over sequences": unscaled,
            "dlogits has the wrong sign": -want,
            "dlogits is the mean over steps; the loss sums over them": want / mask.shape[0],
            "dlogits is divided by the number of real steps; the loss sums over them": unscaled / mask.sum(),
        },
    )


def test_loss_sums_over_time_and_averages_over_sequences(cross_entropy_over_time, rng):
    T, B, V = different_sizes(rng, 3, low=3)
    logits, targets = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B))
    each = -np.take_along_axis(_log_softmax(logits), targets[:, :, None], axis=-1)[:, :, 0]
    loss, _ = _pair(cross_entropy_over_time(logits, targets))
    expect_number(loss, "the loss")
    everything = np.ones((T, B), bool)
    slips = {m: v for m, v in _loss_slips(each, B, T, everything).items() if "mask" not in m and "padding" not in m}
    slips["the loss uses the logits as they are: they need log softmax first"] = (
        -np.take_along_axis(logits, targets[:, :, None], axis=-1).sum() / B
    )
    slips["the probability itself is summed: the logarithm is missing"] = -np.exp(-each).sum() / B
    expect_close(
        loss, each.sum() / B, "the loss differs from -sum over t of log p[target], averaged over sequences", slips
    )


def test_padding_costs_nothing(cross_entropy_over_time, rng):
    T, B, V = different_sizes(rng, 3, low=3)
    logits, targets, mask = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B)), _ragged_mask(rng, T, B)
    each = -np.take_along_axis(_log_softmax(logits), targets[:, :, None], axis=-1)[:, :, 0]
    loss, dlogits = _pair(cross_entropy_over_time(logits, targets, mask))
    expect_number(loss, "the loss with a mask")
    expect_close(loss, (each * mask).sum() / B, "with a mask, the loss is wrong", _loss_slips(each, B, T, mask))
    expect_array(dlogits, (T, B, V), "(T, B, V)")
    assert np.all(dlogits[~mask] == 0), "dlogits is not zero at padding: the mask belongs on the gradient too"


def test_gradient_is_that_of_the_loss(cross_entropy_over_time, rng):
    T, B, V = different_sizes(rng, 3, low=3)
    logits, targets, mask = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B)), _ragged_mask(rng, T, B)
    p = np.exp(_log_softmax(logits))
    hot = np.eye(V)[targets]
    for m, how in ((np.ones((T, B), bool), ()), (mask, (mask,))):
        _, dlogits = _pair(cross_entropy_over_time(logits, targets, *how))
        expect_array(dlogits, (T, B, V), "(T, B, V)")
        want = (p - hot) * m[:, :, None] / B
        assert not np.allclose(dlogits, p * m[:, :, None] / B), (
            "dlogits is the softmax alone: the one-hot target is not subtracted"
        )
        _check_gradient(dlogits, want, B, m)


def test_hopeless_scores_cost_a_finite_amount(cross_entropy_over_time, rng):
    T, B, V = different_sizes(rng, 3, low=3)
    logits, targets = rng.normal(size=(T, B, V)), rng.integers(V - 1, size=(T, B))
    logits[..., -1] += 2000.0  # never the target: its probability rounds to 1 and the target's to 0
    loss, dlogits = _pair(cross_entropy_over_time(logits, targets))
    expect_number(loss, "the loss")
    assert np.isfinite(loss) and np.all(np.isfinite(dlogits)), (
        "scores of 2000 give nan or infinity: take the logarithm of the softmax in one go, x - max - log(sum(exp))"
    )
    want = -np.take_along_axis(_log_softmax(logits), targets[:, :, None], axis=-1).sum() / B
    expect_close(
        loss, want, "a target whose probability rounds to 0 is charged too little: no floor under the logarithm"
    )


def test_only_differences_between_scores_matter(cross_entropy_over_time, rng):
    T, B, V = different_sizes(rng, 3, low=3)
    logits, targets = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B))
    want, want_gradient = _pair(cross_entropy_over_time(logits, targets))
    far_apart = logits + rng.choice([-2000.0, 0.0, 2000.0], size=(T, B, 1))
    far_apart[0, 0], far_apart[0, 1] = logits[0, 0] - 2000.0, logits[0, 1] + 2000.0  # both kinds, whatever was drawn
    loss, dlogits = _pair(cross_entropy_over_time(far_apart, targets))
    assert np.isfinite(loss) and np.all(np.isfinite(dlogits)), (
        "scores near 2000 at some steps and -2000 at others give nan or infinity: "
        "subtract the largest score of each step and sequence, not one for all"
    )
    # 1e-9 of a score of 2000 is what rounding leaves.
    message = "a constant added to all scores of a step changed the loss or its gradient"
    assert abs(loss - want) < 1e-6 and np.abs(dlogits - want_gradient).max() < 1e-6, message


def test_the_loss_leaves_its_arguments_alone(cross_entropy_over_time, rng):
    args = {
        "logits": rng.normal(size=(4, 2, 3)),
        "targets": rng.integers(3, size=(4, 2)),
        "mask": _ragged_mask(rng, 4, 2),
    }
    before = {name: a.copy() for name, a in args.items()}
    cross_entropy_over_time(**args)
    expect_unchanged(before, args)


# --- binary_cross_entropy_over_time -----------------------------------------------------------------------------


def _binary_losses(z, y):
    return np.logaddexp(0, z) - z * y


def test_binary_loss_sums_over_time_and_averages_over_sequences(binary_cross_entropy_over_time, rng):
    T, B = different_sizes(rng, 2, low=3)
    z, y = rng.normal(size=(T, B)), rng.integers(2, size=(T, B))
    each = _binary_losses(z, y)
    loss, _ = _pair(binary_cross_entropy_over_time(z, y))
    expect_number(loss, "the loss")
    everything = np.ones((T, B), bool)
    slips = {m: v for m, v in _loss_slips(each, B, T, everything).items() if "mask" not in m and "padding" not in m}
    slips |= {
        "targets of 0 cost nothing: the term (1 - y) log(1 - p) is missing": -(y * np.log(_sigmoid(z))).sum() / B,
        "targets of 1 cost nothing: the term y log p is missing": -((1 - y) * np.log(_sigmoid(-z))).sum() / B,
        "0 and 1 are swapped: a positive score means yes": _binary_losses(-z, y).sum() / B,
    }
    expect_close(loss, each.sum() / B, "the loss differs from the sum over t, averaged over sequences", slips)


def test_binary_padding_costs_nothing(binary_cross_entropy_over_time, rng):
    T, B = different_sizes(rng, 2, low=3)
    z, y, mask = rng.normal(size=(T, B)), rng.integers(2, size=(T, B)), _ragged_mask(rng, T, B)
    each = _binary_losses(z, y)
    loss, dlogits = _pair(binary_cross_entropy_over_time(z, y, mask))
    expect_number(loss, "the loss with a mask")
    expect_close(loss, (each * mask).sum() / B, "with a mask, the loss is wrong", _loss_slips(each, B, T, mask))
    expect_array(dlogits, (T, B), "(T, B)")
    assert np.all(dlogits[~mask] == 0), "dlogits is not zero at padding: the mask belongs on the gradient too"


def test_binary_gradient_is_that_of_the_loss(binary_cross_entropy_over_time, rng):
    T, B = different_sizes(rng, 2, low=3)
    z, y, mask = rng.normal(size=(T, B)), rng.integers(2, size=(T, B)), _ragged_mask(rng, T, B)
    for m, how in ((np.ones((T, B), bool), ()), (mask, (mask,))):
        _, dlogits = _pair(binary_cross_entropy_over_time(z, y, *how))
        expect_array(dlogits, (T, B), "(T, B)")
        _check_gradient(dlogits, (_sigmoid(z) - y) * m / B, B, m)


def test_sure_and_wrong_costs_a_finite_amount(binary_cross_entropy_over_time, rng):
    T, B = different_sizes(rng, 2, low=3)
    y = rng.integers(2, size=(T, B))
    z = np.where(y == 1, -1.0, 1.0) * rng.uniform(800, 2000, size=(T, B))
    loss, dlogits = _pair(binary_cross_entropy_over_time(z, y))
    expect_number(loss, "the loss")
    assert np.isfinite(loss) and np.all(np.isfinite(dlogits)), (
        "scores of 1000 on the wrong side give nan or infinity: log(1 + exp(z)) overflows, "
        "max(z, 0) + log(1 + exp(-|z|)) does not"
    )
    expect_close(
        loss, np.abs(z).sum() / B, "a score of 1000 on the wrong side should cost 1000: no floor under the logarithm"
    )
    loss, _ = _pair(binary_cross_entropy_over_time(-z, y))
    expect_close(loss, 0.0, "being sure and right should cost nothing")


def test_the_binary_loss_leaves_its_arguments_alone(binary_cross_entropy_over_time, rng):
    args = {"logits": rng.normal(size=(4, 2)), "targets": rng.integers(2, size=(4, 2)), "mask": _ragged_mask(rng, 4, 2)}
    before = {name: a.copy() for name, a in args.items()}
    binary_cross_entropy_over_time(**args)
    expect_unchanged(before, args)


# --- bidirectional_forward --------------------------------------------------------------------------------------


def _fading_sum(decay, width):
    """A layer that anyone can check: a running sum that fades, written to `width` units."""

    def layer(xs):
        h, hs = np.zeros((xs.shape[1], width)), []
        for x in xs:
            h = decay * h + x.sum(axis=-1, keepdims=True) * np.arange(1, width + 1)
            hs.append(h)
        return np.stack(hs)

    return layer


def test_each_step_joins_what_both_directions_know(bidirectional_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    xs = rng.normal(size=(T, B, D))
    ahead, back = _fading_sum(0.5, H), _fading_sum(0.9, H)
    a, b = ahead(xs), back(xs[::-1])
    got = bidirectional_forward(xs, ahead, back)
    expect_array(got, (T, B, 2 * H), "(T, B, 2H)")
    want = np.concatenate([a, b[::-1]], axis=-1)
    interleaved = np.stack([a, b[::-1]], axis=-1).reshape(T, B, 2 * H)
    slips = {
        "the backward states are last first: turn them round again so that hs[t] belongs to xs[t]": np.concatenate(
            [a, b], axis=-1
        ),
        "the backward layer reads forward: hand it the steps last first": np.concatenate([a, back(xs)], axis=-1),
        "the backward layer reads forward and its states are turned round": np.concatenate(
            [a, back(xs)[::-1]], axis=-1
        ),
        "the halves are swapped: the forward half comes first": np.concatenate([b[::-1], a], axis=-1),
        "one layer is used for both directions: each direction has its own": np.concatenate(
            [a, ahead(xs[::-1])[::-1]], axis=-1
        ),
        "the two layers are swapped": np.concatenate([back(xs), ahead(xs[::-1])[::-1]], axis=-1),
        "the two halves are interleaved: lay them side by side with np.concatenate": interleaved,
    }
    expect_close(got, want, "the joined states are wrong", slips)
    expect_close(
        bidirectional_forward(xs, ahead, back, combine="concat"),
        want,
        'combine="concat" differs from the default',
        slips,
    )


def test_sum_adds_the_two_directions(bidirectional_forward, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    xs = rng.normal(size=(T, B, D))
    ahead, back = _fading_sum(0.5, H), _fading_sum(0.9, H)
    a, b = ahead(xs), back(xs[::-1])[::-1]
    got = bidirectional_forward(xs, ahead, back, combine="sum")
    expect_array(got, (T, B, H), "(T, B, H)")
    expect_close(
        got,
        a + b,
        'combine="sum" should add the two states of each step',
        {
            'combine="sum" takes the mean': (a + b) / 2,
            'combine="sum" multiplies': a * b,
            'combine="sum" adds backward states last first: turn them round before adding': a + b[::-1],
        },
    )


def test_an_unknown_way_to_combine_is_refused(bidirectional_forward, rng):
    xs = rng.normal(size=(3, 2, 4))
    try:
        bidirectional_forward(xs, _fading_sum(0.5, 2), _fading_sum(0.5, 2), combine="product")
    except ValueError:
        return
    raise AssertionError('combine="product" was accepted; a combine that is neither should raise ValueError')


def test_reading_both_ways_leaves_the_sequence_alone(bidirectional_forward, rng):
    xs = rng.normal(size=(3, 2, 4))
    before = xs.copy()
    bidirectional_forward(xs, _fading_sum(0.5, 2), _fading_sum(0.5, 2))
    expect_unchanged({"xs": before}, {"xs": xs})


# --- stacked_forward --------------------------------------------------------------------------------------------


def test_states_of_each_layer_feed_the_next(stacked_forward, rng):
    T, B, D, H1, H2, H3 = different_sizes(rng, 6, low=2, high=9)
    xs = rng.normal(size=(T, B, D))
    layers = [_fading_sum(0.5, H1), _fading_sum(-0.7, H2), _fading_sum(0.9, H3)]
    got = stacked_forward(xs, list(layers))
    assert isinstance(got, list | tuple), (
        f"returned a {type(got).__name__}; expected a list with the states of every layer, bottom first"
    )
    assert len(got) == 3, (
        f"returned {len(got)} arrays for 3 layers; expected the states of every layer and nothing else (not the inputs)"
    )
    want, below = [], xs
    for layer in layers:
        below = layer(below)
        want.append(below)
    alone = [layer(xs) for layer in layers]
    if got[-1].shape == want[0].shape:
        raise AssertionError("the top layer's states come first: the bottom layer belongs first")
    for depth, (g, w, a) in enumerate(zip(got, want, alone, strict=True)):
        expect_array(g, w.shape, f"(T, B, width of layer {depth})")
        expect_close(
            g,
            w,
            f"the states of layer {depth} (0 is the bottom) are wrong",
            {f"layer {depth} reads the inputs: it should read the states of the layer below": a} if depth else None,
        )


def test_a_stack_of_one_layer_is_that_layer(stacked_forward, rng):
    T, B, D, H = different_sizes(rng, 4)
    xs = rng.normal(size=(T, B, D))
    got = stacked_forward(xs, [_fading_sum(0.5, H)])
    assert len(got) == 1, f"returned {len(got)} arrays for one layer; expected one"
    expect_close(got[0], _fading_sum(0.5, H)(xs), "a stack of one layer should be that layer")


def test_stacking_leaves_its_arguments_alone(stacked_forward, rng):
    xs = rng.normal(size=(3, 2, 4))
    before, layers = xs.copy(), [_fading_sum(0.5, 2), _fading_sum(0.5, 3)]
    kept = list(layers)
    stacked_forward(xs, layers)
    expect_unchanged({"xs": before}, {"xs": xs})
    assert layers == kept, "the list of layers was changed; leave it as it was"
