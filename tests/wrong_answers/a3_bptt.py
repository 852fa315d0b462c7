"""Answers to a3-bptt as students might write them: wrong ones, each with its slip's name, and other right ones."""

import numpy as np

from tests.wrong_answers import right, wrong

# --- numerical_gradient -----------------------------------------------------------------------------------------


def _refuse(x):
    if x.dtype != np.float64:
        raise TypeError("float64, please")


def _slopes(f, x, eps, up, down, distance):
    """Move each entry by up * eps and by down * eps; divide the difference by distance * eps."""
    _refuse(x)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + up * eps
        above = f()
        x[index] = kept + down * eps
        grad[index] = (above - f()) / (distance * eps)
        x[index] = kept
    return grad


@wrong("numerical_gradient", says="one-sided: compares f(x + eps) with f(x)")
def forward_difference(f, x, eps=1e-5):
    return _slopes(f, x, eps, 1, 0, 1)


@wrong("numerical_gradient", says="one-sided: compares f(x) with f(x - eps)")
def backward_difference(f, x, eps=1e-5):
    return _slopes(f, x, eps, 0, -1, 1)


@wrong("numerical_gradient", says="twice too large")
def divides_by_one_eps(f, x, eps=1e-5):
    return _slopes(f, x, eps, 1, -1, 1)


@wrong("numerical_gradient", says="sign is wrong")
def below_minus_above(f, x, eps=1e-5):
    return _slopes(f, x, eps, -1, 1, 2)


@wrong("numerical_gradient", says="differ from")
def divides_by_two_then_multiplies(f, x, eps=1e-5):
    return _slopes(f, x, eps, 1, -1, 2) * eps**2


@wrong("numerical_gradient", says="every slope is 0")
def nudges_a_copy(f, x, eps=1e-5):
    _refuse(x)
    return _slopes(f, x.copy(), eps, 1, -1, 2)


@wrong("numerical_gradient", says="put back before the next")
def never_puts_back(f, x, eps=1e-5):
    _refuse(x)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += eps
        above = f()
        x[index] -= 2 * eps
        grad[index] = (above - f()) / (2 * eps)
    return grad


@wrong("numerical_gradient", says="put that back")
def puts_back_by_adding(f, x, eps=1e-5):
    _refuse(x)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += eps
        above = f()
        x[index] -= 2 * eps
        grad[index] = (above - f()) / (2 * eps)
        x[index] += eps
    return grad


@wrong("numerical_gradient", says="put that back")
def puts_back_from_below(f, x, eps=1e-5):
    _refuse(x)
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + eps
        above = f()
        x[index] = old - eps
        grad[index] = (above - f()) / (2 * eps)
        x[index] += eps
    return grad


@wrong("numerical_gradient", says="a whole row")
def moves_whole_rows(f, x, eps=1e-5):
    _refuse(x)
    grad = np.zeros(x.shape)
    for i in range(len(x)):
        kept = x[i].copy()
        x[i] = kept + eps
        above = f()
        x[i] = kept - eps
        grad[i] = (above - f()) / (2 * eps)
        x[i] = kept
    return grad


@wrong("numerical_gradient", says="was accepted")
def takes_any_dtype(f, x, eps=1e-5):
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + eps
        above = f()
        x[index] = kept - eps
        grad[index] = (above - f()) / (2 * eps)
        x[index] = kept
    return grad


@wrong("numerical_gradient", says="differ from")
def ignores_eps(f, x, eps=1e-5):
    return _slopes(f, x, 1e-5, 1, -1, 2)


@wrong("numerical_gradient", says="the shape of x")
def returns_one_long_vector(f, x, eps=1e-5):
    return _slopes(f, x, eps, 1, -1, 2).ravel()


@wrong("numerical_gradient", says="Is there a return?")
def measures_and_forgets(f, x, eps=1e-5):
    _slopes(f, x, eps, 1, -1, 2)


@right("numerical_gradient")
def along_a_flat_view(f, x, eps=1e-5):
    if x.dtype != float:
        raise TypeError("a nudge would be lost in rounding")
    flat, slopes = x.reshape(-1), []
    for i, kept in enumerate(flat.copy()):
        values = []
        for moved in (kept + eps, kept - eps):
            flat[i] = moved
            values.append(f())
        flat[i] = kept
        slopes.append((values[0] - values[1]) / 2 / eps)
    return np.array(slopes).reshape(x.shape)


@right("numerical_gradient")
def all_of_x_replaced_at_each_step(f, x, eps=1e-5):
    if x.dtype.name != "float64":
        raise TypeError(x.dtype)
    kept, grad = x.copy(), np.empty(x.shape)
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = eps
        x[...] = kept - step.reshape(x.shape)
        below = f()
        x[...] = kept + step.reshape(x.shape)
        grad.flat[i] = (f() - below) / (2 * eps)
    x[...] = kept
    return grad


# --- rnn_step_backward ------------------------------------------------------------------------------------------


def _step_back(dz, x_t, h_prev, W_xh, W_hh):
    return {
        "x_t": dz @ W_xh.T,
        "h_prev": dz @ W_hh.T,
        "W_xh": x_t.T @ dz,
        "W_hh": h_prev.T @ dz,
        "b_h": dz.sum(axis=0),
    }


@wrong("rnn_step_backward", says="slope of tanh is missing")
def step_without_slope(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t, x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="1 - h_t; it should be")
def step_forgets_the_square(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * (1 - h_t), x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="sigmoid")
def step_with_the_sigmoids_slope(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * h_t * (1 - h_t), x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="tanh of h_t again")
def step_squashes_twice(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * (1 - np.tanh(h_t) ** 2), x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="at the net input")
def step_slope_of_the_net_input(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    z_t = x_t @ W_xh + h_prev @ W_hh + b_h
    return _step_back(dh_t * (1 - z_t**2), x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="from h_prev")
def step_slope_of_the_state_before(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * (1 - h_prev**2), x_t, h_prev, W_xh, W_hh)


@wrong("rnn_step_backward", says="untransposed")
def step_back_through_the_same_weights(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    dz = dh_t * (1 - h_t**2)
    return _step_back(dz, x_t, h_prev, W_xh, W_hh) | {"h_prev": dz @ W_hh}


@wrong("rnn_step_backward", says="W_hh is transposed")
def step_transposes_the_weights_gradient(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    dz = dh_t * (1 - h_t**2)
    return _step_back(dz, x_t, h_prev, W_xh, W_hh) | {"W_hh": dz.T @ h_prev}


@wrong("rnn_step_backward", says="made with h_t")
def step_multiplies_with_the_state_after(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * (1 - h_t**2), x_t, h_t, W_xh, W_hh) | {}


@wrong("rnn_step_backward", says="means over the batch")
def step_averages_the_batch(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    grads = _step_back(dh_t * (1 - h_t**2), x_t, h_prev, W_xh, W_hh)
    return grads | {name: grads[name] / len(x_t) for name in ("W_xh", "W_hh", "b_h")}


@wrong("rnn_step_backward", says="gradient of b_h has shape")
def step_keeps_the_batch_in_the_bias(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    dz = dh_t * (1 - h_t**2)
    return _step_back(dz, x_t, h_prev, W_xh, W_hh) | {"b_h": dz}


@wrong("rnn_step_backward", says="b_h misses the slope")
def step_bias_without_slope(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return _step_back(dh_t * (1 - h_t**2), x_t, h_prev, W_xh, W_hh) | {"b_h": dh_t.sum(axis=0)}


@wrong("rnn_step_backward", says="no gradient under")
def step_names_them_otherwise(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return {"d" + name: g for name, g in _step_back(dh_t * (1 - h_t**2), x_t, h_prev, W_xh, W_hh).items()}


@wrong("rnn_step_backward", says="expected a dict")
def step_returns_a_tuple(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    return tuple(_step_back(dh_t * (1 - h_t**2), x_t, h_prev, W_xh, W_hh).values())


@wrong("rnn_step_backward", says="changed in place")
def step_overwrites_what_came_in(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    dh_t *= 1 - h_t**2
    return _step_back(dh_t, x_t, h_prev, W_xh, W_hh)


@right("rnn_step_backward")
def step_one_sequence_at_a_time(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    given = {"x_t": x_t, "h_prev": h_prev, "W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
    grads = {name: np.zeros(a.shape) for name, a in given.items()}
    for b in range(len(x_t)):
        dz = (1 - h_t[b]) * (1 + h_t[b]) * dh_t[b]
        grads["x_t"][b] = W_xh @ dz
        grads["h_prev"][b] = W_hh @ dz
        grads["W_xh"] += np.outer(x_t[b], dz)
        grads["W_hh"] += np.outer(h_prev[b], dz)
        grads["b_h"] += dz
    return grads


@right("rnn_step_backward")
def step_by_one_concatenated_matrix(dh_t, h_t, x_t, h_prev, W_xh, W_hh, b_h):
    z_t = x_t @ W_xh + h_prev @ W_hh + b_h
    dz = dh_t / np.cosh(z_t) ** 2
    D = len(W_xh)
    both = np.concatenate([x_t, h_prev, np.ones((len(x_t), 1))], axis=1)
    dW = both.T @ dz
    dboth = dz @ np.concatenate([W_xh, W_hh]).T
    return {"b_h": dW[-1], "W_hh": dW[D:-1], "W_xh": dW[:D], "h_prev": dboth[:, D:], "x_t": dboth[:, :D]}


# --- rnn_backward -----------------------------------------------------------------------------------------------


def _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, *, explicit=True, implicit=True, slope=None, back=None, k=None):
    """One step after another; k cuts every loss short."""
    T = len(xs)
    slope = 1 - hs**2 if slope is None else slope
    back = W_hh.T if back is None else back
    before = _before(hs, h_0)
    dzs = np.zeros(hs.shape)
    if k is None:
        dh = np.zeros(hs.shape[1:])
        for t in reversed(range(T)):
            total = dh * implicit + (dhs[t] if explicit or t == T - 1 else 0)
            dzs[t] = total * slope[t]
            dh = dzs[t] @ back
    else:
        for t in range(T):
            dh = dhs[t]
            for s in range(t, max(-1, t - k), -1):
                dzs[s] += dh * slope[s]
                dh = dh * slope[s] @ back
    return _gather(dzs, before, xs, W_xh, W_hh)


def _before(hs, h_0):
    return np.concatenate([np.zeros_like(hs[:1]) if h_0 is None else h_0[None], hs[:-1]])


def _gather(dzs, before, xs, W_xh, W_hh):
    return {
        "xs": dzs @ W_xh.T,
        "W_xh": np.tensordot(xs, dzs, ([0, 1], [0, 1])),
        "W_hh": np.tensordot(before, dzs, ([0, 1], [0, 1])),
        "b_h": dzs.sum(axis=(0, 1)),
        "h_0": dzs[0] @ W_hh.T,
    }


@wrong("rnn_backward", says="nothing flows back through time")
def stays_within_each_step(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, implicit=False)


@wrong("rnn_backward", says="only the last step's loss")
def carries_only_the_last_loss(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, explicit=False)


@wrong("rnn_backward", says="slope of tanh is missing")
def back_without_slopes(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, slope=np.ones(hs.shape))


@wrong("rnn_backward", says="not transposed on the way back")
def back_through_untransposed_weights(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, back=W_hh)


@wrong("rnn_backward", says="slope is taken from the state before")
def back_with_slopes_of_the_state_before(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, slope=1 - _before(hs, h_0) ** 2)


@wrong("rnn_backward", says="misses the slope of tanh")
def back_passes_on_before_the_slope(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    dzs, dh = np.zeros(hs.shape), 0
    for t in reversed(range(len(xs))):
        total = dhs[t] + dh
        dzs[t] = total * (1 - hs[t] ** 2)
        dh = total @ W_hh.T
    return _gather(dzs, _before(hs, h_0), xs, W_xh, W_hh)


@wrong("rnn_backward", says="piled up")
def back_piles_up_what_comes_back(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    dzs, dh = np.zeros(hs.shape), 0
    for t in reversed(range(len(xs))):
        dzs[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = dh + dzs[t] @ W_hh.T
    return _gather(dzs, _before(hs, h_0), xs, W_xh, W_hh)


@wrong("rnn_backward", says="walked from its beginning")
def walks_forward(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    dzs, dh = np.zeros(hs.shape), 0
    for t in range(len(xs)):
        dzs[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = dzs[t] @ W_hh.T
    return _gather(dzs, _before(hs, h_0), xs, W_xh, W_hh)


@wrong("rnn_backward", says="one step only")
def overwrites_the_weights_gradients(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    before, dh = _before(hs, h_0), 0
    for t in reversed(range(len(xs))):
        dz = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = dz @ W_hh.T
        grads |= {"W_xh": xs[t].T @ dz, "W_hh": before[t].T @ dz, "b_h": dz.sum(axis=0)}
    return grads


@wrong("rnn_backward", says="means over the batch")
def averages_over_the_batch(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    return grads | {name: grads[name] / xs.shape[1] for name in ("W_xh", "W_hh", "b_h")}


@wrong("rnn_backward", says="made with hs[t]")
def multiplies_with_the_state_after(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    return grads | {"W_hh": _through_time(dhs, hs, hs, W_hh, W_hh, b_h, h_0)["W_xh"]}


@wrong("rnn_backward", says="made with hs[-1]")
def wraps_round_at_the_first_step(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, hs[-1])


@wrong("rnn_backward", says="leaves out the first step")
def forgets_that_h_0_was_multiplied(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, None)


@wrong("rnn_backward", says="stops before W_hh")
def hands_back_the_net_inputs_gradient(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    return grads | {"h_0": grads["h_0"] @ np.linalg.inv(W_hh.T)}


@wrong("rnn_backward", says="reverse order")
def leaves_the_inputs_gradients_last_first(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    return grads | {"xs": grads["xs"][::-1]}


@wrong("rnn_backward", says="changed in place")
def adds_into_the_given_gradients(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    for t in range(len(xs) - 1, 0, -1):
        dhs[t - 1] += dhs[t] * (1 - hs[t] ** 2) @ W_hh.T
    return _gather(dhs * (1 - hs**2), _before(hs, h_0), xs, W_xh, W_hh)


@wrong("rnn_backward", says="no gradient under h_0")
def leaves_out_the_first_state(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)
    if h_0 is None:
        del grads["h_0"]
    return {name: g for name, g in grads.items() if name != "h_0"}


@right("rnn_backward")
def step_back_after_step_back(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    grads = {"xs": np.zeros(xs.shape), "W_xh": 0, "W_hh": 0, "b_h": 0}
    dh = np.zeros(hs.shape[1:])
    for t in range(len(xs) - 1, -1, -1):
        h_prev = hs[t - 1] if t > 0 else np.zeros_like(hs[0]) if h_0 is None else h_0
        step = _step_back((dhs[t] + dh) * (1 - hs[t] ** 2), xs[t], h_prev, W_xh, W_hh)
        grads["xs"][t], dh = step["x_t"], step["h_prev"]
        for name in ("W_xh", "W_hh", "b_h"):
            grads[name] = grads[name] + step[name]
    return grads | {"h_0": dh}


@right("rnn_backward")
def every_loss_by_itself(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=len(xs))


@right("rnn_backward")
def by_recursion_from_the_end(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    if len(xs) == 0:
        zero = np.zeros(hs.shape[1:])
        return {"xs": xs, "W_xh": 0 * W_xh, "W_hh": 0 * W_hh, "b_h": 0 * b_h, "h_0": zero}
    rest = by_recursion_from_the_end(dhs[1:], hs[1:], xs[1:], W_xh, W_hh, b_h, hs[0])
    h_prev = np.zeros_like(hs[0]) if h_0 is None else h_0
    first = _step_back((dhs[0] + rest["h_0"]) * (1 - hs[0] ** 2), xs[0], h_prev, W_xh, W_hh)
    added = {name: first[name] + rest[name] for name in ("W_xh", "W_hh", "b_h")}
    return {"xs": np.concatenate([first["x_t"][None], rest["xs"]]), "h_0": first["h_prev"]} | added


# --- truncated_backward -----------------------------------------------------------------------------------------


@wrong("truncated_backward", says="k is ignored")
def never_cuts(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)


@wrong("truncated_backward", says="one step too far")
def counts_only_the_steps_before(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k + 1)


@wrong("truncated_backward", says="one step short")
def stops_one_step_early(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k - 1)


@wrong("truncated_backward", says="chunks")
def cuts_into_chunks(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    dzs, dh = np.zeros(hs.shape), 0
    for t in reversed(range(len(xs))):
        if (t + 1) % k == 0:
            dh = 0
        dzs[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = dzs[t] @ W_hh.T
    return _gather(dzs, _before(hs, h_0), xs, W_xh, W_hh)


@wrong("truncated_backward", says="only the last k steps have a gradient")
def stops_k_steps_from_the_end(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    dzs, dh = np.zeros(hs.shape), 0
    for t in range(len(xs) - 1, max(-1, len(xs) - 1 - k), -1):
        dzs[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = dzs[t] @ W_hh.T
    return _gather(dzs, _before(hs, h_0), xs, W_xh, W_hh)


@wrong("truncated_backward", says="only the last step's loss")
def cuts_the_last_loss_only(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    last = np.zeros(dhs.shape)
    last[-1] = dhs[-1]
    return _through_time(last, hs, xs, W_xh, W_hh, b_h, h_0, k=k)


@wrong("truncated_backward", says="slope of tanh is missing")
def cuts_without_slopes(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, slope=np.ones(hs.shape), k=k)


@wrong("truncated_backward", says="not transposed on the way back")
def cuts_through_untransposed_weights(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, back=W_hh, k=k)


@wrong("truncated_backward", says="made with hs[t]")
def cuts_with_the_state_after(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)
    return grads | {"W_hh": _through_time(dhs, hs, hs, W_hh, W_hh, b_h, h_0, k=k)["W_xh"]}


@wrong("truncated_backward", says="leaves out the first step")
def cuts_h_0_off(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, None, k=k)


@wrong("truncated_backward", says="h_0 is zero")
def says_that_h_0_is_a_constant(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)
    return grads | {"h_0": np.zeros_like(grads["h_0"])}


@wrong("truncated_backward", says="further than k steps away")
def whole_gradient_at_h_0(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)
    return grads | {"h_0": _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0)["h_0"]}


@wrong("truncated_backward", says="means over the batch")
def cuts_and_averages_the_batch(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)
    return grads | {name: grads[name] / xs.shape[1] for name in ("W_xh", "W_hh", "b_h")}


@wrong("truncated_backward", says="W_xh comes from the first step only")
def cuts_and_overwrites_W_xh(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    grads = _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)
    first = _through_time(dhs, hs, xs * (np.arange(len(xs)) == 0)[:, None, None], W_xh, W_hh, b_h, h_0, k=k)
    return grads | {"W_xh": first["W_xh"]}


@right("truncated_backward")
def each_loss_goes_back_alone(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    return _through_time(dhs, hs, xs, W_xh, W_hh, b_h, h_0, k=k)


@right("truncated_backward")
def whole_backward_on_every_window(dhs, hs, xs, W_xh, W_hh, b_h, h_0=None, k=25):
    start = np.zeros_like(hs[0]) if h_0 is None else h_0
    total = {"xs": np.zeros(xs.shape), "W_xh": 0, "W_hh": 0, "b_h": 0, "h_0": np.zeros_like(start)}
    for t in range(len(xs)):
        first = max(0, t - k + 1)
        window = slice(first, t + 1)
        only = np.zeros(hs[window].shape)
        only[-1] = dhs[t]
        before = hs[first - 1] if first else start
        part = every_loss_by_itself(only, hs[window], xs[window], W_xh, W_hh, b_h, before)
        total["xs"][window] += part["xs"]
        if first == 0:
            total["h_0"] = total["h_0"] + part["h_0"]
        for name in ("W_xh", "W_hh", "b_h"):
            total[name] = total[name] + part[name]
    return total


# --- clip_by_value ----------------------------------------------------------------------------------------------


def _each(grads, f):
    return {name: f(g) for name, g in grads.items()}


@wrong("clip_by_value", says="nothing is cut off")
def does_nothing(grads, limit):
    return _each(grads, np.copy)


@wrong("clip_by_value", says="only large positive")
def only_from_above(grads, limit):
    return _each(grads, lambda g: np.minimum(g, limit))


@wrong("clip_by_value", says="only large negative")
def only_from_below(grads, limit):
    return _each(grads, lambda g: np.maximum(g, -limit))


@wrong("clip_by_value", says="became 0; below they may")
def between_zero_and_the_limit(grads, limit):
    return _each(grads, lambda g: np.clip(g, 0, limit))


@wrong("clip_by_value", says="signs are lost")
def forgets_the_sign(grads, limit):
    return _each(grads, lambda g: np.minimum(np.abs(g), limit))


@wrong("clip_by_value", says="became 0; they become the limit")
def drops_what_is_too_large(grads, limit):
    return _each(grads, lambda g: np.where(np.abs(g) > limit, 0.0, g))


@wrong("clip_by_value", says="clipping by norm")
def clips_by_the_norm_of_all(grads, limit):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    return _each(grads, lambda g: g * min(1, limit / norm))


@wrong("clip_by_value", says="clipped by its norm")
def clips_by_the_norm_of_each(grads, limit):
    return _each(grads, lambda g: g * min(1, limit / np.linalg.norm(g)))


@wrong("clip_by_value", says="largest entry fits")
def scales_by_the_largest_entry(grads, limit):
    return _each(grads, lambda g: g * min(1, limit / np.abs(g).max()))


@wrong("clip_by_value", says="-1 and 1")
def ignores_the_limit(grads, limit):
    return _each(grads, lambda g: np.clip(g, -1, 1))


@wrong("clip_by_value", says="changed in place")
def cuts_in_place(grads, limit):
    return _each(grads, lambda g: np.clip(g, -limit, limit, out=g))


@wrong("clip_by_value", says="returned a list")
def returns_a_list_of_arrays(grads, limit):
    return [np.clip(g, -limit, limit) for g in grads.values()]


@right("clip_by_value")
def from_both_sides(grads, limit):
    return _each(grads, lambda g: np.maximum(np.minimum(g, limit), -limit))


@right("clip_by_value")
def where_it_is_too_large(grads, limit):
    clipped = {}
    for name in grads:
        clipped[name] = grads[name].copy()
        clipped[name][clipped[name] > limit] = limit
        clipped[name][clipped[name] < -limit] = -limit
    return clipped


# --- clip_by_global_norm ----------------------------------------------------------------------------------------


def _length(grads):
    norm = float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in grads.values())))
    if not np.isfinite(norm):
        raise ValueError("not finite")
    return norm


def _factor(norm, max_norm):
    return min(1.0, max_norm / norm) if norm else 1.0


@wrong("clip_by_global_norm", says="by its own norm")
def each_array_by_its_own_norm(grads, max_norm):
    return _each(grads, lambda g: g * _factor(_length({"g": g}), max_norm)), _length(grads)


@wrong("clip_by_global_norm", says="stretched to max_norm")
def always_to_the_same_length(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * (max_norm / norm if norm else 1.0)), norm


@wrong("clip_by_global_norm", says="entries are cut off one by one")
def cuts_entries_off(grads, max_norm):
    return _each(grads, lambda g: np.clip(g, -max_norm, max_norm)), _length(grads)


@wrong("clip_by_global_norm", says="after clipping")
def tells_the_norm_after_clipping(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * _factor(norm, max_norm)), min(norm, max_norm)


@wrong("clip_by_global_norm", says="no root is taken")
def squared_norm(grads, max_norm):
    norm = _length(grads) ** 2
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="norms of the arrays are added")
def sum_of_norms(grads, max_norm):
    norm = sum(_length({"g": g}) for g in grads.values())
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="largest of the arrays' norms")
def largest_of_the_norms(grads, max_norm):
    norm = max(_length({"g": g}) for g in grads.values())
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="averaged")
def root_of_the_mean_square(grads, max_norm):
    norm = _length(grads) / np.sqrt(sum(g.size for g in grads.values()))
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="upside down")
def factor_upside_down(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * max(1.0, norm / max_norm)), norm


@wrong("clip_by_global_norm", says="not multiplied by max_norm")
def to_length_one(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g / norm if norm > max_norm else g), norm


@wrong("clip_by_global_norm", says="divides by zero")
def divides_by_a_norm_of_zero(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * np.minimum(1.0, max_norm / np.float64(norm)) + 0 / np.float64(norm)), norm


@wrong("clip_by_global_norm", says="divides by zero")
def divides_python_numbers_by_zero(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * min(1.0, max_norm / norm)), norm


@wrong("clip_by_global_norm", says="nothing added to the norm")
def adds_a_little_to_the_norm(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * min(1.0, max_norm / (norm + 1e-6))), norm


@wrong("clip_by_global_norm", says="largest singular value")
def spectral_norms_of_the_matrices(grads, max_norm):
    norm = _length({name: np.array([np.linalg.norm(g, 2)]) for name, g in grads.items()})
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="was accepted")
def accepts_what_is_no_number(grads, max_norm):
    norm = float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in grads.values())))
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="overflow float32")
def squares_in_single_precision(grads, max_norm):
    norm = float(np.sqrt(sum(np.sum(g**2) for g in grads.values())))
    if not np.isfinite(norm):
        raise ValueError("not finite")
    return _each(grads, lambda g: g * _factor(norm, max_norm)), norm


@wrong("clip_by_global_norm", says="two things")
def returns_the_gradients_only(grads, max_norm):
    norm = _length(grads)
    return _each(grads, lambda g: g * _factor(norm, max_norm))


@wrong("clip_by_global_norm", says="changed in place")
def shrinks_in_place(grads, max_norm):
    norm = _length(grads)
    for g in grads.values():
        g *= _factor(norm, max_norm)
    return grads, norm


@right("clip_by_global_norm")
def one_long_vector(grads, max_norm):
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]).astype(np.float64))
    if np.isnan(norm) or np.isinf(norm):
        raise ValueError(norm)
    if norm <= max_norm:
        return {name: g.copy() for name, g in grads.items()}, norm
    return {name: (g.astype(np.float64) / norm * max_norm).astype(g.dtype) for name, g in grads.items()}, norm


@right("clip_by_global_norm")
def norm_of_norms(grads, max_norm):
    norm = float(np.linalg.norm([np.linalg.norm(g.astype(np.float64)) for g in grads.values()]))
    if not np.isfinite(norm):
        raise ValueError("look for a division by zero")
    return {name: g * g.dtype.type(max_norm / max(norm, max_norm)) for name, g in grads.items()}, norm


# --- jacobian_product_norms -------------------------------------------------------------------------------------


def _measured(hs, W_hh, *, slopes=None, norm=lambda J: np.linalg.norm(J, 2), join=lambda J, after: J @ after):
    T, B, H = hs.shape
    slopes = 1 - hs**2 if slopes is None else slopes
    norms = np.ones((T, B))
    for b in range(B):
        product = np.eye(H)
        norms[-1, b] = norm(product)
        for t in range(T - 1, 0, -1):
            product = join(W_hh * slopes[t, b], product)
            norms[t - 1, b] = norm(product)
    return norms


@wrong("jacobian_product_norms", says="slopes of tanh are missing")
def powers_of_the_weights(hs, W_hh):
    return _measured(hs, W_hh, slopes=np.ones(hs.shape))


@wrong("jacobian_product_norms", says="bounds by the norm")
def bounds_only(hs, W_hh):
    T, B, _ = hs.shape
    return np.repeat(np.linalg.norm(W_hh, 2) ** np.arange(T - 1, -1, -1)[:, None], B, axis=1)


@wrong("jacobian_product_norms", says="those are multiplied")
def product_of_norms(hs, W_hh):
    norms = np.ones(hs.shape[:2])
    for t in range(len(hs) - 1, 0, -1):
        norms[t - 1] = norms[t] * np.linalg.norm(W_hh * (1 - hs[t][:, None, :] ** 2), 2, axis=(1, 2))
    return norms


@wrong("jacobian_product_norms", says="one step early")
def slopes_of_the_state_before(hs, W_hh):
    return _measured(hs, W_hh, slopes=1 - _before(hs, None) ** 2)


@wrong("jacobian_product_norms", says="Frobenius")
def frobenius(hs, W_hh):
    return _measured(hs, W_hh, norm=np.linalg.norm)


@wrong("jacobian_product_norms", says="eigenvalue")
def largest_eigenvalue(hs, W_hh):
    return _measured(hs, W_hh, norm=lambda J: np.abs(np.linalg.eigvals(J)).max())


@wrong("jacobian_product_norms", says="W_hh is transposed")
def with_the_transposed_weights(hs, W_hh):
    return _measured(hs, W_hh.T)


@wrong("jacobian_product_norms", says="wrong order")
def multiplies_in_the_wrong_order(hs, W_hh):
    return _measured(hs, W_hh, join=lambda J, after: after @ J)


@wrong("jacobian_product_norms", says="reverse order")
def rows_last_first(hs, W_hh):
    return _measured(hs, W_hh)[::-1]


@wrong("jacobian_product_norms", says="entry by entry")
def multiplies_entry_by_entry(hs, W_hh):
    return _measured(hs, W_hh, join=lambda J, after: J * after)


@wrong("jacobian_product_norms", says="entry by entry")
def multiplies_all_but_the_first_entry_by_entry(hs, W_hh):
    norms = np.ones(hs.shape[:2])
    for b in range(hs.shape[1]):
        product = None
        for t in range(len(hs) - 1, 0, -1):
            step = W_hh * (1 - hs[t, b] ** 2)
            product = step if product is None else step * product
            norms[t - 1, b] = np.linalg.norm(product, 2)
    return norms


@wrong("jacobian_product_norms", says="slope is 1 - h_t")
def slopes_forget_the_square(hs, W_hh):
    return _measured(hs, W_hh, slopes=1 - hs)


@wrong("jacobian_product_norms", says="one step only")
def single_steps(hs, W_hh):
    return _measured(hs, W_hh, join=lambda J, after: J)


@wrong("jacobian_product_norms", says="last row should be 1")
def forgets_the_last_row(hs, W_hh):
    norms = _measured(hs, W_hh)
    norms[-1] = 0
    return norms


@wrong("jacobian_product_norms", says="mean norms over the batch")
def one_number_per_step(hs, W_hh):
    norms = _measured(hs, W_hh)
    return np.repeat(norms.mean(axis=1, keepdims=True), norms.shape[1], axis=1)


@wrong("jacobian_product_norms", says="expected (T, B)")
def leaves_the_last_row_out(hs, W_hh):
    return _measured(hs, W_hh)[:-1]


@right("jacobian_product_norms")
def one_sequence_after_another(hs, W_hh):
    return _measured(hs, W_hh, norm=lambda J: np.linalg.svd(J, compute_uv=False)[0])


@right("jacobian_product_norms")
def with_states_as_columns(hs, W_hh):
    T, B, _ = hs.shape
    norms = np.empty((T, B))
    for b in range(B):
        for k in range(T):
            product = np.eye(len(W_hh))
            for t in range(k + 1, T):
                product = np.diag(1 - hs[t, b] ** 2) @ W_hh.T @ product
            norms[k, b] = np.sqrt(np.linalg.eigvalsh(product.T @ product).max())
    return norms


_STRICT = "dhs and hs have the same number of steps, so strict=True has nothing to refuse"
_MIN = "the smaller of two numbers is the same in either order"
_ZERO = "this factor is taken only when every gradient is zero, and any number times zero is zero"

EQUIVALENT = {
    "numerical_gradient": {
        "numerical_gradient:L4:np.ndindex(x.shape) backwards": "every entry is put back, so any order does",
    },
    "rnn_backward": {
        "rnn_backward:L6:drop strict=True": _STRICT,
        "rnn_backward:L6:True→False": _STRICT,
        "rnn_backward:L13:swap sides of -": "to reshape a negative size means whatever fits, which is the same",
    },
    "truncated_backward": {
        "truncated_backward:L7:drop .copy()": "each round makes reach afresh before it adds to dzs",
        "truncated_backward:L8:swap arguments of min": _MIN,
    },
    "clip_by_value": {
        "clip_by_value:L1:swap arguments of clip": "-limit cut off below at g and above at limit is g cut off at both",
    },
    "clip_by_global_norm": {
        "clip_by_global_norm:L1:drop float()": "a NumPy float64 is a Python float",
        "clip_by_global_norm:L7:swap arguments of min": _MIN,
        "clip_by_global_norm:L7:1.0→2.0": _ZERO,
        "clip_by_global_norm:L7:1.0→0.0": _ZERO,
    },
    "jacobian_product_norms": {
        "jacobian_product_norms:L3:drop dtype=hs.dtype": "norms takes the dtype of hs whatever the product has",
        "jacobian_product_norms:L6:swap sides of -": "both signs of a matrix have the same norm",
        "jacobian_product_norms:L7:swap (-2, -1)": "a matrix and its transpose have the same singular values",
    },
}
