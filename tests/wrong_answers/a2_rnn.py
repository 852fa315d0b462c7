"""Answers to a2-rnn as students might write them: wrong ones, each with its slip's name, and other right ones."""

import numpy as np

from tests.wrong_answers import right, wrong

# --- rnn_step ---------------------------------------------------------------------------------------------------


@wrong("rnn_step", says="h_prev")
def forgets_the_past(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(x_t @ W_xh + b_h)


@wrong("rnn_step", says="x_t has no effect")
def ignores_the_input(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(h_prev @ W_hh + b_h)


@wrong("rnn_step", says="b_h is not added")
def leaves_out_the_bias(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(x_t @ W_xh + h_prev @ W_hh)


@wrong("rnn_step", says="after the tanh")
def adds_the_bias_after_the_tanh(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(x_t @ W_xh + h_prev @ W_hh) + b_h


@wrong("rnn_step", says="tanh is missing")
def leaves_out_the_tanh(x_t, h_prev, W_xh, W_hh, b_h):
    return x_t @ W_xh + h_prev @ W_hh + b_h


@wrong("rnn_step", says="sigmoid")
def squashes_with_the_sigmoid(x_t, h_prev, W_xh, W_hh, b_h):
    return 1 / (1 + np.exp(-(x_t @ W_xh + h_prev @ W_hh + b_h)))


@wrong("rnn_step", says="W_hh is transposed")
def writes_the_product_for_columns(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(x_t @ W_xh + (W_hh @ h_prev.T).T + b_h)


@wrong("rnn_step", says="around the sum")
def squashes_each_part(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(x_t @ W_xh) + np.tanh(h_prev @ W_hh + b_h)


@wrong("rnn_step", says="with B = 1")
def squeezes_a_batch_of_one(x_t, h_prev, W_xh, W_hh, b_h):
    return np.squeeze(np.tanh(x_t @ W_xh + h_prev @ W_hh + b_h))


@wrong("rnn_step", says="differs from tanh")
def normalises_over_the_batch(x_t, h_prev, W_xh, W_hh, b_h):
    z_t = x_t @ W_xh + h_prev @ W_hh + b_h
    return np.tanh(z_t - z_t.mean(axis=0))


@wrong("rnn_step", says="changed in place")
def writes_into_the_state(x_t, h_prev, W_xh, W_hh, b_h):
    h_prev[:] = np.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)
    return h_prev


@wrong("rnn_step", says="Is there a return?")
def returns_nothing(x_t, h_prev, W_xh, W_hh, b_h):
    h_t = np.tanh(x_t @ W_xh + h_prev @ W_hh + b_h)  # noqa: F841


@wrong("rnn_step", says="raised ValueError")
def multiplies_the_other_way_round(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(W_xh @ x_t + W_hh @ h_prev + b_h)


@right("rnn_step")
def one_product_of_concatenated_matrices(x_t, h_prev, W_xh, W_hh, b_h):
    both = np.concatenate([h_prev, x_t], axis=1)
    return np.tanh(both @ np.concatenate([W_hh, W_xh]) + b_h)


@right("rnn_step")
def columns_throughout(x_t, h_prev, W_xh, W_hh, b_h):
    return np.tanh(W_xh.T @ x_t.T + W_hh.T @ h_prev.T + b_h[:, None]).T


@right("rnn_step")
def one_number_at_a_time(x_t, h_prev, W_xh, W_hh, b_h):
    h_t = np.empty(h_prev.shape)
    for b in range(len(x_t)):
        for j in range(len(b_h)):
            z = b_h[j] + sum(x_t[b, d] * W_xh[d, j] for d in range(len(W_xh)))
            z += sum(h_prev[b, k] * W_hh[k, j] for k in range(len(W_hh)))
            h_t[b, j] = (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)
    return h_t


# --- rnn_forward ------------------------------------------------------------------------------------------------


def _steps(xs, W_xh, W_hh, b_h, h):
    hs = []
    for x_t in xs:
        h = np.tanh(x_t @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    return np.stack(hs)


def _zeros(xs, b_h):
    return np.zeros((xs.shape[1], len(b_h)))


@wrong("rnn_forward", says="starts from zeros")
def never_carries_the_state(xs, W_xh, W_hh, b_h, h_0=None):
    h_0 = _zeros(xs, b_h) if h_0 is None else h_0
    return np.stack([np.tanh(x_t @ W_xh + h_0 @ W_hh + b_h) for x_t in xs])


@wrong("rnn_forward", says="one state")
def returns_only_the_last_state(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h) if h_0 is None else h_0)[-1]


@wrong("rnn_forward", says="returned a list")
def returns_a_list(xs, W_xh, W_hh, b_h, h_0=None):
    return list(_steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h) if h_0 is None else h_0))


@wrong("rnn_forward", says="h_0 is ignored")
def ignores_the_first_state(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h))


@wrong("rnn_forward", says="same array")
def stores_one_array_many_times(xs, W_xh, W_hh, b_h, h_0=None):
    h = _zeros(xs, b_h) if h_0 is None else h_0.copy()
    hs = []
    for x_t in xs:
        h[:] = np.tanh(x_t @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    return np.stack(hs)


@wrong("rnn_forward", says="changed in place")
def overwrites_the_first_state(xs, W_xh, W_hh, b_h, h_0=None):
    h = _zeros(xs, b_h) if h_0 is None else h_0
    hs = []
    for x_t in xs:
        h[:] = np.tanh(x_t @ W_xh + h @ W_hh + b_h)
        hs.append(h.copy())
    return np.stack(hs)


@wrong("rnn_forward", says="shifted by one")
def stores_the_state_before_the_step(xs, W_xh, W_hh, b_h, h_0=None):
    h = _zeros(xs, b_h) if h_0 is None else h_0
    hs = []
    for x_t in xs:
        hs.append(h)
        h = np.tanh(x_t @ W_xh + h @ W_hh + b_h)
    return np.stack(hs)


@wrong("rnn_forward", says="read from its end")
def reads_backwards(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs[::-1], W_xh, W_hh, b_h, _zeros(xs, b_h) if h_0 is None else h_0)[::-1]


@wrong("rnn_forward", says="W_hh is transposed")
def transposes_the_recurrent_weights(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh.T, b_h, _zeros(xs, b_h) if h_0 is None else h_0)


@wrong("rnn_forward", says="expected (T, B, H)")
def batch_first(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h) if h_0 is None else h_0).transpose(1, 0, 2)


@wrong("rnn_forward", says="h_0 is taken for the state after the first step")
def counts_the_first_state_as_a_step(xs, W_xh, W_hh, b_h, h_0=None):
    if h_0 is None:
        return _steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h))
    return np.concatenate([h_0[None], _steps(xs[1:], W_xh, W_hh, b_h, h_0)])


@wrong("rnn_forward", says="zeros")
def starts_from_ones(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh, b_h, np.ones((xs.shape[1], len(b_h))) if h_0 is None else h_0)


@right("rnn_forward")
def step_after_step(xs, W_xh, W_hh, b_h, h_0=None):
    return _steps(xs, W_xh, W_hh, b_h, _zeros(xs, b_h) if h_0 is None else h_0)


@right("rnn_forward")
def by_recursion(xs, W_xh, W_hh, b_h, h_0=None):
    if len(xs) == 0:
        return np.empty((0, xs.shape[1], len(b_h)))
    before = by_recursion(xs[:-1], W_xh, W_hh, b_h, h_0)
    h_prev = before[-1] if len(before) else _zeros(xs, b_h) if h_0 is None else h_0
    return np.concatenate([before, np.tanh(xs[-1] @ W_xh + h_prev @ W_hh + b_h)[None]])


@right("rnn_forward")
def one_einsum_for_the_inputs(xs, W_xh, W_hh, b_h, h_0=None):
    from_x = np.einsum("tbd,dh->tbh", xs, W_xh)
    hs = np.zeros((len(xs) + 1, xs.shape[1], len(b_h)))
    hs[0] = 0 if h_0 is None else h_0
    for t in range(len(xs)):
        hs[t + 1] = np.tanh(from_x[t] + np.einsum("bk,kh->bh", hs[t], W_hh) + b_h)
    return hs[1:]


# --- many_to_one ------------------------------------------------------------------------------------------------


@wrong("many_to_one", says="have read padding")
def answers_after_the_padding(hs, lengths, W_hy, b_y):
    return hs[-1] @ W_hy + b_y


@wrong("many_to_one", says="one step late")
def off_by_one_late(hs, lengths, W_hy, b_y):
    return hs[np.minimum(lengths, len(hs) - 1), np.arange(len(lengths))] @ W_hy + b_y


@wrong("many_to_one", says="raised IndexError")
def off_by_one_beyond_the_end(hs, lengths, W_hy, b_y):
    return hs[lengths, np.arange(len(lengths))] @ W_hy + b_y


@wrong("many_to_one", says="one step early")
def off_by_one_early(hs, lengths, W_hy, b_y):
    return hs[np.maximum(lengths - 2, 0), np.arange(len(lengths))] @ W_hy + b_y


@wrong("many_to_one", says="b_y is not added")
def leaves_out_the_readout_bias(hs, lengths, W_hy, b_y):
    return hs[lengths - 1, np.arange(len(lengths))] @ W_hy


@wrong("many_to_one", says="mean of the states")
def averages_the_states(hs, lengths, W_hy, b_y):
    real = (np.arange(len(hs))[:, None] < lengths)[:, :, None]
    return (hs * real).sum(axis=0) / lengths[:, None] @ W_hy + b_y


@wrong("many_to_one", says="expected (B, K)")
def picks_every_pair_of_step_and_sequence(hs, lengths, W_hy, b_y):
    return hs[lengths - 1] @ W_hy + b_y


@wrong("many_to_one", says="logits are asked for")
def returns_probabilities(hs, lengths, W_hy, b_y):
    z = hs[lengths - 1, np.arange(len(lengths))] @ W_hy + b_y
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@wrong("many_to_one", says="multiplying them by 0")
def multiplies_padding_by_zero(hs, lengths, W_hy, b_y):
    last = np.arange(len(hs))[:, None] == lengths - 1
    return (hs * last[:, :, None]).sum(axis=0) @ W_hy + b_y


@wrong("many_to_one", says="first one's length")
def one_length_for_all(hs, lengths, W_hy, b_y):
    return hs[lengths[0] - 1] @ W_hy + b_y


@right("many_to_one")
def one_sequence_at_a_time(hs, lengths, W_hy, b_y):
    return np.stack([hs[length - 1, b] @ W_hy + b_y for b, length in enumerate(lengths)])


@right("many_to_one")
def reads_everywhere_then_picks(hs, lengths, W_hy, b_y):
    everywhere = hs @ W_hy + b_y
    return np.take_along_axis(everywhere, (lengths - 1)[None, :, None], axis=0)[0]


# --- softmax ----------------------------------------------------------------------------------------------------


@wrong("softmax", says="overflows")
def straight_from_the_formula(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


@wrong("softmax", says="each row's own largest score")
def subtracts_the_largest_of_all(x, axis=-1):
    e = np.exp(x - x.max())
    return e / e.sum(axis=axis, keepdims=True)


@wrong("softmax", says="divides by the sum of everything")
def divides_by_the_sum_of_everything(x, axis=-1):
    e = np.exp(x - x.max())
    return e / e.sum()


@wrong("softmax", says="the axis is ignored, the last one")
def always_the_last_axis(x, axis=-1):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax", says="the axis is ignored, the first one")
def always_the_first_axis(x, axis=-1):
    e = np.exp(x - x.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


@wrong("softmax", says="called without axis")
def another_default_axis(x, axis=0):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@wrong("softmax", says="not divided")
def only_exponentials(x, axis=-1):
    return np.exp(x)


@wrong("softmax", says="logarithms")
def returns_logarithms(x, axis=-1):
    z = x - x.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


@wrong("softmax", says="exp(-x)")
def falls_with_the_score(x, axis=-1):
    e = np.exp(-x - (-x).max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@wrong("softmax", says="changed in place")
def shifts_its_argument(x, axis=-1):
    x -= x.max(axis=axis, keepdims=True)
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


@wrong("softmax", says="sigmoid")
def sigmoid_of_each(x, axis=-1):
    return 1 / (1 + np.exp(-x))


@wrong("softmax", says="same axis as the sum")
def shift_along_the_last_axis_only(x, axis=-1):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@right("softmax")
def through_the_logarithm(x, axis=-1):
    largest = np.max(x, axis=axis, keepdims=True)
    return np.exp(x - largest - np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)))


@right("softmax")
def axis_moved_to_the_front(x, axis=-1):
    x = np.moveaxis(x, axis, 0)
    e = np.exp(x - x.max(axis=0))
    return np.moveaxis(e / e.sum(axis=0), 0, axis)


# --- cross_entropy_over_time ------------------------------------------------------------------------------------


def _log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _cross_entropy(logits, targets, mask):
    """Loss of each step and sequence (T, B) and the gradient of their sum (T, B, V)."""
    mask = np.ones(targets.shape) if mask is None else np.asarray(mask, dtype=float)
    log_p = _log_softmax(logits)
    hot = np.eye(logits.shape[-1])[targets]
    return -(log_p * hot).sum(axis=-1) * mask, (np.exp(log_p) - hot) * mask[..., None], mask


@wrong("cross_entropy_over_time", says="mean over steps")
def averages_over_steps(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.mean(), d / each.size


@wrong("cross_entropy_over_time", says="sum over sequences")
def sums_over_sequences(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum(), d


@wrong("cross_entropy_over_time", says="mean over real steps")
def averages_over_real_steps(logits, targets, mask=None):
    each, d, m = _cross_entropy(logits, targets, mask)
    n = logits.shape[1] if mask is None else m.sum()
    return each.sum() / n, d / n


@wrong("cross_entropy_over_time", says="padding is counted")
def ignores_the_mask(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, None)
    return each.sum() / logits.shape[1], d / logits.shape[1]


@wrong("cross_entropy_over_time", says="not zero at padding")
def masks_the_loss_only(logits, targets, mask=None):
    each, _, _ = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], _cross_entropy(logits, targets, None)[1] / logits.shape[1]


@wrong("cross_entropy_over_time", says="minus sign")
def leaves_out_the_minus_sign(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return -each.sum() / logits.shape[1], -d / logits.shape[1]


@wrong("cross_entropy_over_time", says="not divided by B")
def gradient_of_the_sum(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], d


@wrong("cross_entropy_over_time", says="one-hot target is not subtracted")
def gradient_without_the_target(logits, targets, mask=None):
    each, _, m = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], np.exp(_log_softmax(logits)) * m[..., None] / logits.shape[1]


@wrong("cross_entropy_over_time", says="wrong sign")
def gradient_uphill(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], -d / logits.shape[1]


@wrong("cross_entropy_over_time", says="in one go")
def logarithm_of_a_probability_of_zero(logits, targets, mask=None):
    m = np.ones(targets.shape) if mask is None else mask
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    hot = np.eye(logits.shape[-1])[targets]
    each = -np.log((p * hot).sum(axis=-1)) * m
    return each.sum() / logits.shape[1], (p - hot) * m[..., None] / logits.shape[1]


@wrong("cross_entropy_over_time", says="not one for all")
def one_largest_score_for_all_steps(logits, targets, mask=None):
    m = np.ones(targets.shape) if mask is None else mask
    z = logits - logits.max()
    log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    hot = np.eye(logits.shape[-1])[targets]
    return -((log_p * hot).sum(axis=-1) * m).sum() / len(m[0]), (np.exp(log_p) - hot) * m[..., None] / len(m[0])


@wrong("cross_entropy_over_time", says="no floor")
def floor_under_the_logarithm(logits, targets, mask=None):
    m = np.ones(targets.shape) if mask is None else mask
    p = np.exp(_log_softmax(logits))
    hot = np.eye(logits.shape[-1])[targets]
    each = -np.log(np.maximum((p * hot).sum(axis=-1), 1e-12)) * m
    return each.sum() / logits.shape[1], (p - hot) * m[..., None] / logits.shape[1]


@wrong("cross_entropy_over_time", says="expected one number")
def one_loss_per_sequence(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum(axis=0), d / logits.shape[1]


@wrong("cross_entropy_over_time", says="expected two things")
def returns_the_loss_alone(logits, targets, mask=None):
    return float(_cross_entropy(logits, targets, mask)[0].sum() / logits.shape[1])


@wrong("cross_entropy_over_time", says="changed in place")
def works_in_the_logits(logits, targets, mask=None):
    logits -= logits.max(axis=-1, keepdims=True)
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], d / logits.shape[1]


@right("cross_entropy_over_time")
def with_one_hot_targets(logits, targets, mask=None):
    each, d, _ = _cross_entropy(logits, targets, mask)
    return each.sum() / logits.shape[1], d / logits.shape[1]


@right("cross_entropy_over_time")
def step_by_step(logits, targets, mask=None):
    T, B, V = logits.shape
    loss, dlogits = 0.0, np.zeros((T, B, V))
    for t in range(T):
        for b in range(B):
            if mask is not None and not mask[t, b]:
                continue
            largest = logits[t, b].max()
            total = sum(np.exp(z - largest) for z in logits[t, b])
            loss += (np.log(total) + largest - logits[t, b, targets[t, b]]) / B
            dlogits[t, b] = np.exp(logits[t, b] - largest) / total / B
            dlogits[t, b, targets[t, b]] -= 1 / B
    return loss, dlogits


# --- binary_cross_entropy_over_time -----------------------------------------------------------------------------


def _binary(logits, targets, mask):
    """Loss of each step and sequence, and the gradient of their sum, both (T, B)."""
    mask = np.ones(logits.shape) if mask is None else np.asarray(mask, dtype=float)
    p = np.exp(-np.logaddexp(0, -logits))
    return (np.logaddexp(0, logits) - logits * targets) * mask, (p - targets) * mask, mask


@wrong("binary_cross_entropy_over_time", says="mean over steps")
def binary_averages_over_steps(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    return each.mean(), d / each.size


@wrong("binary_cross_entropy_over_time", says="sum over sequences")
def binary_sums_over_sequences(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    return each.sum(), d


@wrong("binary_cross_entropy_over_time", says="padding is counted")
def binary_ignores_the_mask(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, None)
    return each.sum() / logits.shape[1], d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="not zero at padding")
def binary_masks_the_loss_only(logits, targets, mask=None):
    each, _, _ = _binary(logits, targets, mask)
    return each.sum() / logits.shape[1], _binary(logits, targets, None)[1] / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="(1 - y) log(1 - p) is missing")
def counts_only_the_yes(logits, targets, mask=None):
    _, d, m = _binary(logits, targets, mask)
    return (np.logaddexp(0, -logits) * targets * m).sum() / logits.shape[1], d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="y log p is missing")
def counts_only_the_no(logits, targets, mask=None):
    _, d, m = _binary(logits, targets, mask)
    return (np.logaddexp(0, logits) * (1 - targets) * m).sum() / logits.shape[1], d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="swapped")
def swaps_yes_and_no(logits, targets, mask=None):
    each, d, _ = _binary(-logits, targets, mask)
    return each.sum() / logits.shape[1], -d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="nan or infinity")
def overflows_on_large_scores(logits, targets, mask=None):
    _, d, m = _binary(logits, targets, mask)
    each = np.log(1 + np.exp(logits)) - logits * targets
    return (each * m).sum() / logits.shape[1], d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="no floor")
def binary_floor_under_the_logarithm(logits, targets, mask=None):
    _, d, m = _binary(logits, targets, mask)
    p = np.clip(np.exp(-np.logaddexp(0, -logits)), 1e-12, 1 - 1e-12)
    each = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    return (each * m).sum() / logits.shape[1], d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="not divided by B")
def binary_gradient_of_the_sum(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    return each.sum() / logits.shape[1], d


@wrong("binary_cross_entropy_over_time", says="wrong sign")
def binary_gradient_uphill(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    return each.sum() / logits.shape[1], -d / logits.shape[1]


@wrong("binary_cross_entropy_over_time", says="not the gradient of the loss")
def gradient_through_the_sigmoid_twice(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    p = np.exp(-np.logaddexp(0, -logits))
    return each.sum() / logits.shape[1], d * p * (1 - p) / logits.shape[1]


@right("binary_cross_entropy_over_time")
def with_logaddexp(logits, targets, mask=None):
    each, d, _ = _binary(logits, targets, mask)
    return each.sum() / logits.shape[1], d / logits.shape[1]


@right("binary_cross_entropy_over_time")
def two_logarithms_of_sigmoids(logits, targets, mask=None):
    mask = np.full(logits.shape, True) if mask is None else mask
    sign = np.where(np.asarray(targets) == 1, 1.0, -1.0)
    wrongness = np.where(mask, -sign * logits, -np.inf)
    share = np.exp(np.minimum(wrongness, 0)) / (1 + np.exp(-np.abs(wrongness)))
    dlogits = np.where(mask, -sign * share, 0.0) / logits.shape[1]
    return np.logaddexp(0, wrongness).sum() / logits.shape[1], dlogits


# --- bidirectional_forward --------------------------------------------------------------------------------------


def _combined(ahead, back, combine):
    if combine not in ("concat", "sum"):
        raise ValueError(combine)
    return ahead + back if combine == "sum" else np.concatenate([ahead, back], axis=-1)


@wrong("bidirectional_forward", says="turn them round again")
def leaves_backward_states_in_reading_order(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), backward_layer(xs[::-1]), combine)


@wrong("bidirectional_forward", says="reads forward: hand it")
def reads_forward_twice(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), backward_layer(xs), combine)


@wrong("bidirectional_forward", says="its states are turned round")
def turns_round_the_states_only(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), backward_layer(xs)[::-1], combine)


@wrong("bidirectional_forward", says="halves are swapped")
def backward_half_first(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(backward_layer(xs[::-1])[::-1], forward_layer(xs), combine)


@wrong("bidirectional_forward", says="one layer is used")
def one_layer_for_both_directions(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), forward_layer(xs[::-1])[::-1], combine)


@wrong("bidirectional_forward", says="expected (T, B, 2H)")
def adds_where_it_should_concatenate(xs, forward_layer, backward_layer, combine="concat"):
    return forward_layer(xs) + backward_layer(xs[::-1])[::-1]


@wrong("bidirectional_forward", says="expected (T, B, H)")
def always_concatenates(xs, forward_layer, backward_layer, combine="concat"):
    return np.concatenate([forward_layer(xs), backward_layer(xs[::-1])[::-1]], axis=-1)


@wrong("bidirectional_forward", says="expected (T, B, 2H)")
def concatenates_along_the_batch(xs, forward_layer, backward_layer, combine="concat"):
    return np.concatenate([forward_layer(xs), backward_layer(xs[::-1])[::-1]], axis=1)


@wrong("bidirectional_forward", says="takes the mean")
def averages_the_directions(xs, forward_layer, backward_layer, combine="concat"):
    ahead, back = forward_layer(xs), backward_layer(xs[::-1])[::-1]
    return _combined(ahead, back, combine) / (2 if combine == "sum" else 1)


@wrong("bidirectional_forward", says="should raise ValueError")
def takes_anything_else_for_sum(xs, forward_layer, backward_layer, combine="concat"):
    ahead, back = forward_layer(xs), backward_layer(xs[::-1])[::-1]
    return np.concatenate([ahead, back], axis=-1) if combine == "concat" else ahead + back


@wrong("bidirectional_forward", says="backward layer reads forward")
def reverses_the_batch_instead_of_time(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), backward_layer(xs[:, ::-1])[:, ::-1], combine)


@right("bidirectional_forward")
def with_flip(xs, forward_layer, backward_layer, combine="concat"):
    return _combined(forward_layer(xs), np.flip(backward_layer(np.flip(xs, axis=0)), axis=0), combine)


@right("bidirectional_forward")
def filling_an_array(xs, forward_layer, backward_layer, combine="concat"):
    ahead, back = forward_layer(xs), backward_layer(xs[::-1].copy())
    T, B, H = ahead.shape
    if combine == "concat":
        hs = np.empty((T, B, 2 * H))
        for t in range(T):
            hs[t, :, :H], hs[t, :, H:] = ahead[t], back[T - 1 - t]
        return hs
    if combine != "sum":
        raise ValueError(f"unknown combine: {combine}")
    return np.array([ahead[t] + back[T - 1 - t] for t in range(T)])


# --- stacked_forward --------------------------------------------------------------------------------------------


@wrong("stacked_forward", says="reads the inputs")
def every_layer_reads_the_inputs(xs, layers):
    return [layer(xs) for layer in layers]


@wrong("stacked_forward", says="returned a ndarray")
def returns_only_the_top(xs, layers):
    for layer in layers:
        xs = layer(xs)
    return xs


@wrong("stacked_forward", says="not the inputs")
def keeps_the_inputs_too(xs, layers):
    states = [xs]
    for layer in layers:
        states.append(layer(states[-1]))
    return states


@wrong("stacked_forward", says="bottom layer belongs first")
def top_layer_first(xs, layers):
    states = []
    for layer in layers:
        xs = layer(xs)
        states.insert(0, xs)
    return states


@wrong("stacked_forward", says="layer 0")
def applies_the_layers_from_the_top(xs, layers):
    states = []
    for layer in reversed(layers):
        xs = layer(xs)
        states.append(xs)
    return states[::-1]


@wrong("stacked_forward", says="expected the states of every layer")
def forgets_the_top_layer(xs, layers):
    states = []
    for layer in layers[:-1]:
        xs = layer(xs)
        states.append(xs)
    return states


@wrong("stacked_forward", says="layer 1")
def feeds_the_last_state_only(xs, layers):
    states = []
    for layer in layers:
        hs = layer(xs)
        states.append(hs)
        xs = np.broadcast_to(hs[-1], hs.shape)
    return states


@wrong("stacked_forward", says="layer 1")
def adds_skip_connections(xs, layers):
    states = []
    for layer in layers:
        hs = layer(xs)
        states.append(hs)
        xs = hs + xs.sum(axis=-1, keepdims=True)
    return states


@wrong("stacked_forward", says="list of layers was changed")
def empties_the_list_of_layers(xs, layers):
    states = []
    while layers:
        xs = layers.pop(0)(xs)
        states.append(xs)
    return states


@wrong("stacked_forward", says="expected (T, B, width of layer 0)")
def returns_last_states(xs, layers):
    states = []
    for layer in layers:
        xs = layer(xs)
        states.append(xs[-1])
    return states


@right("stacked_forward")
def by_recursion_on_the_layers(xs, layers):
    if not layers:
        return []
    first = layers[0](xs)
    return [first, *by_recursion_on_the_layers(first, layers[1:])]


@right("stacked_forward")
def with_accumulate(xs, layers):
    from itertools import accumulate

    return list(accumulate(layers, lambda below, layer: layer(below), initial=xs))[1:]


# --- mutants that no test can tell from the reference -------------------------------------------------------------

_MASK = "the mask is only ever multiplied with, and True times a number is the number"
_FLOAT = "a NumPy float64 is a Python float"

EQUIVALENT = {
    "cross_entropy_over_time": {
        "cross_entropy_over_time:L2:drop dtype=bool": _MASK,
        "cross_entropy_over_time:L10:drop float()": _FLOAT,
    },
    "binary_cross_entropy_over_time": {
        "binary_cross_entropy_over_time:L2:drop dtype=bool": _MASK,
        "binary_cross_entropy_over_time:L8:drop float()": _FLOAT,
    },
}
