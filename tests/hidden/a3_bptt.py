"""Hidden tests of a3-bptt. Each takes the function it judges as its first argument, named after the exercise.

Sizes all differ, so a transposed or swapped axis cannot pass, and numbers are drawn afresh, so a constant cannot.
Expected gradients are worked out here one loss and one step at a time, which shares no arrangement with the library.
"""

import numpy as np

from tests.hidden.support import close, different_sizes, expect_array, expect_close, expect_number, expect_unchanged

REFERENCES = {
    "numerical_gradient": "course_lib.gradcheck",
    "rnn_step_backward": "course_lib.recurrent.rnn",
    "rnn_backward": "course_lib.recurrent.rnn",
    "truncated_backward": "course_lib.recurrent.bptt",
    "clip_by_value": "course_lib.optim",
    "clip_by_global_norm": "course_lib.optim",
    "jacobian_product_norms": "course_lib.recurrent.bptt",
}

# Not asked for, but with them an exercise is one line: gone as well while a3-bptt is graded.
ABSENT = {
    "check_gradients": "course_lib.gradcheck",
    "rnn_backward_stepwise": "course_lib.recurrent.rnn",
    "backward_through_time": "course_lib.recurrent.bptt",
    "gradient_norms_over_time": "course_lib.recurrent.bptt",
    "simple_rnn_backward": "course_lib.recurrent.activations",
    "skip_rnn_backward": "course_lib.recurrent.skips",
    "global_norm": "course_lib.optim",
}


def _weights(rng, D, H):
    # Small enough for slopes well above 0: where the tanh is flat every slip vanishes.
    return {
        "W_xh": rng.normal(size=(D, H)) / np.sqrt(D),
        "W_hh": rng.normal(size=(H, H)) / np.sqrt(H),
        "b_h": 0.5 * rng.normal(size=H),
    }


def _run(xs, W_xh, W_hh, b_h, h_0=None):
    h = np.zeros((xs.shape[1], len(b_h))) if h_0 is None else h_0
    hs = []
    for x in xs:
        h = np.tanh(x @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    return np.stack(hs)


def _expect_gradients(got, want, slips, otherwise="differs from the derivative"):
    """Fail unless got is a dict with the gradients in want; slips maps messages to what some of them would be then."""
    assert got is not None, "returned None; expected a dict of gradients. Is there a return?"
    assert isinstance(got, dict), (
        f"returned a {type(got).__name__}; expected a dict with the gradients of {', '.join(want)}"
    )
    missing = [name for name in want if name not in got]
    assert not missing, f"the dict has no gradient under {', '.join(missing)}; expected {', '.join(want)}"
    for name, w in want.items():
        g = got[name]
        assert isinstance(g, np.ndarray), f"the gradient of {name} is a {type(g).__name__}; expected an array"
        assert g.shape == w.shape, f"the gradient of {name} has shape {g.shape}; expected that of {name}, {w.shape}"
    wrong = [name for name, w in want.items() if not close(got[name], w)]
    if not wrong:
        return
    assert all(np.all(np.isfinite(got[name])) for name in wrong), f"the gradient of {wrong[0]} is nan or infinite"
    for message, outcome in slips.items():
        told = {name: g for name, g in outcome.items() if not close(g, want[name])}
        if told and all(close(got[name], g) for name, g in told.items()):
            raise AssertionError(message)
    right = [name for name in want if name not in wrong]
    also = f"; right are those of {', '.join(right)}" if right else ""
    raise AssertionError(f"the gradient of {', '.join(wrong)} {otherwise}{also}")


# --- numerical_gradient -----------------------------------------------------------------------------------------


def _cubic(rng, shape):
    """A function whose central difference is known to the last digit for any eps, and which mixes all entries.

    It may be called with the array or, reading x where it lies, without.
    """
    x, c, d = (rng.normal(size=shape) for _ in range(3))

    def f(at=x):
        return float(np.sum(c * at**3) + np.sum(d * at) ** 2)

    return f, x, c, d


def test_every_entry_is_moved_by_eps_to_either_side(numerical_gradient, rng):
    shape = tuple(different_sizes(rng, 3, low=2, high=6))
    f, x, c, d = _cubic(rng, shape)
    eps = float(rng.uniform(0.1, 0.5))
    base = 3 * c * x**2 + 2 * d * np.sum(d * x)
    want = base + c * eps**2
    ahead = base + 3 * c * x * eps + c * eps**2 + d**2 * eps
    behind = base - 3 * c * x * eps + c * eps**2 - d**2 * eps
    rows = np.empty(shape)
    for i in range(shape[0]):
        move = np.zeros(shape)
        move[i] = eps
        rows[i] = (f(x + move) - f(x - move)) / (2 * eps)
    left, moved = np.empty(shape), x.copy()
    for index in np.ndindex(shape):
        moved[index] += eps
        above = f(moved)
        moved[index] -= 2 * eps
        left[index] = (above - f(moved)) / (2 * eps)
    got = numerical_gradient(f, x, eps)
    expect_array(got, shape, "the shape of x")
    expect_close(
        got,
        want,
        "the slopes differ from (f(x + eps) - f(x - eps)) / (2 eps), one entry of x at a time",
        {
            "every slope is 0: f reads x itself, so x must be nudged where it lies, not a copy of it": np.zeros(shape),
            "one-sided: compares f(x + eps) with f(x); move to either side": ahead,
            "one-sided: compares f(x) with f(x - eps); move to either side": behind,
            "twice too large: the two points are 2 eps apart, not eps": 2 * want,
            "the difference is not divided by the distance": want * 2 * eps,
            "the difference is multiplied by the distance, not divided": want * (2 * eps) ** 2,
            "the sign is wrong: the value above comes first, minus the value below": -want,
            "a whole row is moved at once: move one entry at a time": rows,
            "everything is moved at once: move one entry at a time": np.full(
                shape, (f(x + eps) - f(x - eps)) / (2 * eps)
            ),
            "an entry is not put back before the next one is moved": left,
        },
    )


def test_without_eps_the_slope_is_the_derivative(numerical_gradient, rng):
    for shape in (tuple(different_sizes(rng, 1)), tuple(different_sizes(rng, 2))):
        f, x, c, d = _cubic(rng, shape)
        got = numerical_gradient(f, x)
        expect_array(got, shape, "the shape of x")
        error = np.abs(got - (3 * c * x**2 + 2 * d * np.sum(d * x))).max()
        assert error < 1e-6, "called without eps, the slopes are far from the derivative"


def test_x_is_as_before_when_done(numerical_gradient, rng):
    f, x, _, _ = _cubic(rng, tuple(different_sizes(rng, 2)))
    x.flat[1] = 3e-7  # beside so small a number every way of adding and subtracting eps shows its rounding
    before = x.copy()
    numerical_gradient(f, x)
    assert np.allclose(x, before, rtol=0, atol=1e-8), "x is not as before: put every entry back after nudging it"
    assert np.array_equal(x, before), (
        "x is as before but for rounding: keep the entry's number and put that back; adding and subtracting eps "
        "does not give it exactly"
    )


def test_anything_but_float64_is_refused(numerical_gradient, rng):
    for dtype in (np.float32, np.int64):
        x = rng.integers(1, 9, size=4).astype(dtype)
        try:
            numerical_gradient(lambda at=x: float(np.sum(at**2)), x)
        except TypeError:
            continue
        raise AssertionError(f"x of dtype {np.dtype(dtype).name} was accepted; a nudge needs float64: raise TypeError")


# --- rnn_step_backward ------------------------------------------------------------------------------------------


def _one_step(rng, low=2):
    B, D, H = different_sizes(rng, 3, low=low)
    args = {"x_t": rng.normal(size=(B, D)), "h_prev": rng.uniform(-1, 1, size=(B, H)), **_weights(rng, D, H)}
    h_t = np.tanh(args["x_t"] @ args["W_xh"] + args["h_prev"] @ args["W_hh"] + args["b_h"])
    return rng.normal(size=(B, H)), h_t, args


def _step_back(dz, x_t, h_prev, W_xh, W_hh, b_h):
    return {
        "x_t": dz @ W_xh.T,
        "h_prev": dz @ W_hh.T,
        "W_xh": np.einsum("bd,bh->dh", x_t, dz),
        "W_hh": np.einsum("bk,bh->kh", h_prev, dz),
        "b_h": dz.sum(axis=0),
    }


def test_one_step_back_follows_the_chain_rule(rnn_step_backward, rng):
    dh, h, args = _one_step(rng)
    B = len(h)
    dz = dh * (1 - h**2)
    want = _step_back(dz, **args)
    z = np.arctanh(h)
    _expect_gradients(
        rnn_step_backward(dh.copy(), h, **args),
        want,
        {
            "the slope of tanh is missing: dz_t is dh_t times 1 - h_t^2": _step_back(dh, **args),
            "the slope is 1 - h_t; it should be 1 - h_t^2": _step_back(dh * (1 - h), **args),
            "the slope is h_t (1 - h_t), that of the sigmoid; tanh has 1 - h_t^2": _step_back(dh * h * (1 - h), **args),
            "the slope takes tanh of h_t again; h_t is the tanh already": _step_back(
                dh * (1 - np.tanh(h) ** 2), **args
            ),
            "the slope is taken at the net input, 1 - z_t^2; it is 1 - h_t^2": _step_back(dh * (1 - z**2), **args),
            "the slope is taken from h_prev; it belongs to h_t": _step_back(dh * (1 - args["h_prev"] ** 2), **args),
            "the slope has the wrong sign or form: it is 1 - h_t^2": _step_back(dh * (1 + h**2), **args),
            "the gradient of h_prev goes through W_hh untransposed: back through a product means times its transpose": {
                "h_prev": dz @ args["W_hh"]
            },
            "the gradient of W_hh is transposed: it has one row per unit of h_prev, h_prev.T @ dz_t": {
                "W_hh": want["W_hh"].T
            },
            "the gradient of W_hh is made with h_t; the step multiplied W_hh by h_prev": {"W_hh": h.T @ dz},
            "the weights' gradients are means over the batch: they are sums, the loss says how to weigh": {
                name: want[name] / B for name in ("W_xh", "W_hh", "b_h")
            },
            "the gradient of b_h is a mean over the batch: every row used the same bias, so it is a sum": {
                "b_h": want["b_h"] / B
            },
            "the gradient of b_h misses the slope of tanh": {"b_h": dh.sum(axis=0)},
            "the gradients of the weights miss the slope of tanh": {
                name: g for name, g in _step_back(dh, **args).items() if name.startswith("W")
            },
            "the gradients of the arguments x_t and h_prev miss the slope of tanh": {
                "x_t": dh @ args["W_xh"].T,
                "h_prev": dh @ args["W_hh"].T,
            },
        },
    )


def test_rows_of_a_batch_go_back_alone_and_weights_add_up(rnn_step_backward, rng):
    dh, h, args = _one_step(rng, low=3)
    weights = {name: args[name] for name in ("W_xh", "W_hh", "b_h")}
    for b in range(len(h)):
        row = slice(b, b + 1)
        alone = {"x_t": args["x_t"][row], "h_prev": args["h_prev"][row], **weights}
        _expect_gradients(
            rnn_step_backward(dh[row].copy(), h[row], **alone),
            _step_back(dh[row] * (1 - h[row] ** 2), **alone),
            {},
            "is wrong for a batch of one sequence",
        )


def test_one_step_back_leaves_its_arguments_alone(rnn_step_backward, rng):
    dh, h, args = _one_step(rng)
    given = {"dh_t": dh, "h_t": h, **args}
    before = {name: a.copy() for name, a in given.items()}
    rnn_step_backward(**given)
    expect_unchanged(before, given)


# --- rnn_backward and truncated_backward ------------------------------------------------------------------------


def _sequence(rng, T=None):
    sizes = list(different_sizes(rng, 4, low=3, high=9))
    B, D, H = sizes[:3]
    T = sizes[3] if T is None else T
    xs, w, h_0 = rng.normal(size=(T, B, D)), _weights(rng, D, H), rng.uniform(-1, 1, size=(B, H))
    return rng.normal(size=(T, B, H)), xs, w, h_0


def _reach(dhs, hs, W_hh, k=None, slopes=None, back=None):
    """Gradient at every net input, each loss carried back by itself, k steps at most."""
    T = len(hs)
    slopes = 1 - hs**2 if slopes is None else slopes
    back = W_hh.T if back is None else back
    dzs = np.zeros_like(hs)
    for t in range(T):
        dh = dhs[t]
        for s in range(t, -1 if k is None else max(-1, t - k), -1):
            dz = dh * slopes[s]
            dzs[s] += dz
            dh = dz @ back
    return dzs


def _collect(dzs, hs, xs, W_xh, W_hh, b_h, h_0=None):
    before = np.concatenate([np.zeros_like(hs[:1]) if h_0 is None else h_0[None], hs[:-1]])
    return {
        "xs": dzs @ W_xh.T,
        "W_xh": np.einsum("tbd,tbh->dh", xs, dzs),
        "W_hh": np.einsum("tbk,tbh->kh", before, dzs),
        "b_h": dzs.sum(axis=(0, 1)),
        "h_0": dzs[0] @ W_hh.T,
    }


def _through_time_slips(dhs, hs, xs, w, h_0):
    W_hh, B, T = w["W_hh"], xs.shape[1], len(xs)
    start = np.zeros_like(hs[0]) if h_0 is None else h_0
    dzs = _reach(dhs, hs, W_hh)
    want = _collect(dzs, hs, xs, **w, h_0=h_0)
    last = np.zeros_like(dhs)
    last[-1] = dhs[-1]
    no_slope = _reach(dhs, hs, W_hh, slopes=np.ones_like(hs))
    means = {name: want[name] / (B * T) for name in ("W_xh", "W_hh", "b_h")}
    unbatched = {name: want[name] / B for name in ("W_xh", "W_hh", "b_h")}
    # The implicit part replaces the explicit one, or never meets the slope.
    lost, dh = np.zeros_like(hs), dhs[-1]
    unsloped, carried = np.zeros_like(hs), np.zeros_like(start)
    doubled, twice = np.zeros_like(hs), np.zeros_like(start)
    for t in reversed(range(T)):
        lost[t] = dh * (1 - hs[t] ** 2)
        dh = lost[t] @ W_hh.T
        total = dhs[t] + carried
        unsloped[t], carried = total * (1 - hs[t] ** 2), total @ W_hh.T
        doubled[t] = (dhs[t] + twice) * (1 - hs[t] ** 2)
        twice = twice + doubled[t] @ W_hh.T
    shifted = np.concatenate([start[None], hs[:-1]])
    return {
        "nothing flows back through time: add what comes back from step t + 1 to dhs[t]": _collect(
            _reach(dhs, hs, W_hh, 1), hs, xs, **w, h_0=h_0
        ),
        "only the last step's loss is carried back: add dhs[t] at every step": _collect(lost, hs, xs, **w, h_0=h_0),
        "the slope of tanh is missing: it acts at every step, 1 - hs[t]^2": _collect(no_slope, hs, xs, **w, h_0=h_0),
        "what goes back to the step before misses the slope of tanh: it is dz_t @ W_hh.T, not dh_t @ W_hh.T": _collect(
            unsloped, hs, xs, **w, h_0=h_0
        ),
        "what comes back from later steps is piled up: each step replaces it by dz_t @ W_hh.T": _collect(
            doubled, hs, xs, **w, h_0=h_0
        ),
        "the slope is taken from the state before: step t bends at hs[t]": _collect(
            _reach(dhs, hs, W_hh, slopes=1 - shifted**2), hs, xs, **w, h_0=h_0
        ),
        "W_hh is not transposed on the way back: dz_t @ W_hh.T": _collect(
            _reach(dhs, hs, W_hh, back=W_hh), hs, xs, **w, h_0=h_0
        ),
        "the sequence is walked from its beginning: a gradient travels from the last step to the first": _collect(
            _reach(dhs[::-1], hs[::-1], W_hh)[::-1], hs, xs, **w, h_0=h_0
        ),
        "the weights' gradients come from one step only: every step used the same weights, so add over steps": {
            name: _collect(dzs[:1], hs[:1], xs[:1], **w, h_0=h_0)[name] for name in ("W_xh", "W_hh", "b_h")
        },
        "the weights' gradients come from the last step only: every step used the same weights, so add over steps": {
            name: _collect(dzs[-1:], hs[-1:], xs[-1:], **w, h_0=shifted[-1])[name] for name in ("W_xh", "W_hh", "b_h")
        },
        "the weights' gradients are means: add over steps and sequences, the loss says how to weigh": means,
        "the weights' gradients are means over the batch: add, the loss says how to weigh": unbatched,
        "the gradient of W_hh is made with hs[t]; step t multiplied W_hh by the state before, hs[t - 1]": {
            "W_hh": np.einsum("tbk,tbh->kh", hs, dzs)
        },
        "the gradient of W_hh at the first step is made with hs[-1], the last state; there it is h_0": {
            "W_hh": np.einsum("tbk,tbh->kh", np.concatenate([hs[-1:], hs[:-1]]), dzs)
        },
        "the gradient of W_hh leaves out the first step, which multiplied W_hh by h_0": {
            "W_hh": np.einsum("tbk,tbh->kh", shifted[1:], dzs[1:])
        },
        "the gradient of W_hh is transposed: one row per unit of the state before": {"W_hh": want["W_hh"].T},
        "the gradient of h_0 stops before W_hh: the first step multiplied h_0 by W_hh, so dz of that step @ W_hh.T": {
            "h_0": dzs[0]
        },
        "the gradient of h_0 is zero; it is what comes back through the first step": {"h_0": np.zeros_like(start)},
        "the gradients of xs come in reverse order: put them back in the order of the steps": {"xs": want["xs"][::-1]},
    }


def test_losses_at_all_steps_go_back_through_time(rnn_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng)
    for start in (h_0, None):
        hs = _run(xs, **w, h_0=start)
        want = _collect(_reach(dhs, hs, w["W_hh"]), hs, xs, **w, h_0=start)
        given = {} if start is None else {"h_0": start}
        got = rnn_backward(dhs.copy(), hs, xs, **w, **given)
        _expect_gradients(
            got,
            want,
            _through_time_slips(dhs, hs, xs, w, start),
            "is wrong with h_0 left out" if start is None else "differs from the derivative",
        )


def test_one_loss_reaches_the_steps_before_it_and_none_after(rnn_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng)
    hs = _run(xs, **w, h_0=h_0)
    for t in range(len(xs)):
        only = np.zeros_like(dhs)
        only[t] = dhs[t]
        got = rnn_backward(only.copy(), hs, xs, **w, h_0=h_0)
        want = _collect(_reach(only, hs, w["W_hh"]), hs, xs, **w, h_0=h_0)
        assert isinstance(got, dict) and "xs" in got, "expected a dict with the gradients of xs and the others"
        reached = np.abs(got["xs"]).max(axis=(1, 2)) > 0
        assert not reached[t + 1 :].any(), "a loss reaches inputs after its own step: it can only act on earlier ones"
        _expect_gradients(got, want, {}, "is wrong when only one step has a loss")


def test_a_sequence_of_one_step_goes_back_too(rnn_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng, T=1)
    for start in (h_0, None):
        hs = _run(xs, **w, h_0=start)
        want = _collect(_reach(dhs, hs, w["W_hh"]), hs, xs, **w, h_0=start)
        given = {} if start is None else {"h_0": start}
        _expect_gradients(rnn_backward(dhs, hs, xs, **w, **given), want, {}, "is wrong for a sequence of one step")


def test_going_back_leaves_its_arguments_alone(rnn_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng)
    given = {"dhs": dhs, "hs": _run(xs, **w, h_0=h_0), "xs": xs, **w, "h_0": h_0}
    before = {name: a.copy() for name, a in given.items()}
    rnn_backward(**given)
    expect_unchanged(before, given)


def _chunked(dhs, hs, xs, w, h_0, k):
    """What cutting the sequence into chunks of k steps gives: losses at a chunk's beginning reach one step only."""
    dzs = np.zeros_like(hs)
    for begin in range(0, len(hs), k):
        part = slice(begin, begin + k)
        dzs[part] = _reach(dhs[part], hs[part], w["W_hh"])
    return _collect(dzs, hs, xs, **w, h_0=h_0)


def test_a_loss_reaches_k_steps_and_no_more(truncated_backward, rng):
    T = int(rng.integers(6, 9))
    dhs, xs, w, h_0 = _sequence(rng, T)
    for start in (h_0, None):
        hs = _run(xs, **w, h_0=start)
        given = {} if start is None else {"h_0": start}
        for k in (2, 1, 3, T - 1):
            dzs = _reach(dhs, hs, w["W_hh"], k)
            want = _collect(dzs, hs, xs, **w, h_0=start)
            tail = np.zeros_like(dhs)
            tail[-k:] = dhs[-k:]
            last = np.zeros_like(dhs)
            last[-1] = dhs[-1]
            slips = {
                "k is ignored: every loss goes all the way back": _collect(
                    _reach(dhs, hs, w["W_hh"]), hs, xs, **w, h_0=start
                ),
                "one step too far: the loss's own step counts as one of the k": _collect(
                    _reach(dhs, hs, w["W_hh"], k + 1), hs, xs, **w, h_0=start
                ),
                "one step short: k steps, the loss's own included": _collect(
                    _reach(dhs, hs, w["W_hh"], k - 1), hs, xs, **w, h_0=start
                ),
                "the sequence is cut into chunks of k steps: here every loss goes back its own k steps": _chunked(
                    dhs, hs, xs, w, start, k
                ),
                "only the last k steps have a gradient: every step's loss goes back k steps": _collect(
                    np.concatenate([np.zeros_like(hs[:-k]), _reach(dhs, hs, w["W_hh"])[-k:]]), hs, xs, **w, h_0=start
                ),
                "only the last step's loss goes back": _collect(_reach(last, hs, w["W_hh"], k), hs, xs, **w, h_0=start),
                "only the losses of the last k steps go back": _collect(
                    _reach(tail, hs, w["W_hh"], k), hs, xs, **w, h_0=start
                ),
                "the gradient of h_0 comes from losses further than k steps away": {
                    "h_0": _reach(dhs, hs, w["W_hh"])[0] @ w["W_hh"].T
                },
            }
            _expect_gradients(
                truncated_backward(dhs, hs, xs, **w, **given, k=k),
                want,
                slips | _through_time_slips(dhs, hs, xs, w, start) | _cut_slips(dhs, hs, xs, w, start, k),
                "is wrong for a small k" if k < T - 1 else "is wrong for k = T - 1",
            )


def _cut_slips(dhs, hs, xs, w, h_0, k):
    W_hh = w["W_hh"]
    dzs = _reach(dhs, hs, W_hh, k)
    want = _collect(dzs, hs, xs, **w, h_0=h_0)
    return {
        "the slope of tanh is missing, though k is right: it acts at every step, 1 - hs[t]^2": _collect(
            _reach(dhs, hs, W_hh, k, slopes=np.ones_like(hs)), hs, xs, **w, h_0=h_0
        ),
        "W_hh is not transposed on the way back, though k is right: dz_t @ W_hh.T": _collect(
            _reach(dhs, hs, W_hh, k, back=W_hh), hs, xs, **w, h_0=h_0
        ),
        "the gradient of W_hh is made with hs[t]; step t multiplied W_hh by the state before, hs[t - 1]": {
            "W_hh": np.einsum("tbk,tbh->kh", hs, dzs)
        },
        "the gradient of W_hh at the first step is made with hs[-1], the last state; there it is h_0": {
            "W_hh": np.einsum("tbk,tbh->kh", np.concatenate([hs[-1:], hs[:-1]]), dzs)
        },
        "the gradient of W_hh leaves out the first step, which multiplied W_hh by h_0": {
            "W_hh": np.einsum("tbk,tbh->kh", hs[:-1], dzs[1:])
        },
        "the weights' gradients are means over the batch: add, the loss says how to weigh": {
            name: want[name] / xs.shape[1] for name in ("W_xh", "W_hh", "b_h")
        },
        "the gradient of W_xh comes from the first step only: every step used the same weights, so add over steps": {
            "W_xh": np.einsum("bd,bh->dh", xs[0], dzs[0])
        },
        "the gradient of W_xh comes from the last step only: every step used the same weights, so add over steps": {
            "W_xh": np.einsum("bd,bh->dh", xs[-1], dzs[-1])
        },
        "the gradient of h_0 is zero; the losses at the first k steps reach it": {"h_0": np.zeros_like(want["h_0"])},
        "the gradient of h_0 stops before W_hh: the first step multiplied h_0 by W_hh": {"h_0": dzs[0]},
    }


def test_k_beyond_the_sequence_cuts_nothing(truncated_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng)
    hs = _run(xs, **w, h_0=h_0)
    want = _collect(_reach(dhs, hs, w["W_hh"]), hs, xs, **w, h_0=h_0)
    slips = _through_time_slips(dhs, hs, xs, w, h_0)
    for k in (len(xs), len(xs) + 4):
        _expect_gradients(
            truncated_backward(dhs, hs, xs, **w, h_0=h_0, k=k), want, slips, "is wrong for a k of T or more"
        )
    _expect_gradients(
        truncated_backward(dhs, hs, xs, **w, h_0=h_0), want, slips, "is wrong when k is left out: it is 25 then"
    )


def test_cutting_short_leaves_its_arguments_alone(truncated_backward, rng):
    dhs, xs, w, h_0 = _sequence(rng)
    given = {"dhs": dhs, "hs": _run(xs, **w, h_0=h_0), "xs": xs, **w, "h_0": h_0}
    before = {name: a.copy() for name, a in given.items()}
    truncated_backward(**given, k=2)
    expect_unchanged(before, given)


# --- clipping ---------------------------------------------------------------------------------------------------


def _gradients(rng, scale=1.0):
    D, H, K = different_sizes(rng, 3)
    shapes = {"W_xh": (D, H), "b_h": (H,), "W_hy": (H, K)}
    # Arrays of very different lengths, so that one factor for all and one for each differ.
    sizes = {"W_xh": 3.0, "b_h": 0.2, "W_hy": 1.0}
    return {name: scale * sizes[name] * rng.normal(size=shape) for name, shape in shapes.items()}


def _expect_dict(got, grads):
    assert got is not None, "returned None; expected a dict of arrays. Is there a return?"
    assert isinstance(got, dict), f"returned a {type(got).__name__}; expected a dict of arrays"
    assert set(got) == set(grads), "the dict's names differ from those of grads: one clipped array under each name"
    for name, g in grads.items():
        c = got[name]
        assert isinstance(c, np.ndarray), f"{name} is a {type(c).__name__}; expected an array"
        assert c.shape == g.shape, f"{name} has shape {c.shape}; expected that of its gradient, {g.shape}"


def _expect_all_close(got, want, otherwise, slips):
    if all(close(got[name], w) for name, w in want.items()):
        return
    assert all(np.all(np.isfinite(got[name])) for name in want), f"some values are nan or infinite; {otherwise}"
    for message, outcome in slips.items():
        if all(close(got[name], outcome[name]) for name in want):
            raise AssertionError(message)
    raise AssertionError(otherwise)


def test_entries_beyond_the_limit_are_cut_off(clip_by_value, rng):
    grads = _gradients(rng)
    # One of each kind for sure: far above, far below, and near zero on both sides.
    grads["W_xh"].flat[:4] = 9.0, -9.0, 0.01, -0.01
    limit = float(rng.uniform(0.3, 0.8))
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    got = clip_by_value({name: g.copy() for name, g in grads.items()}, limit)
    _expect_dict(got, grads)

    def each(f):
        return {name: f(g) for name, g in grads.items()}

    _expect_all_close(
        got,
        each(lambda g: np.clip(g, -limit, limit)),
        "entries beyond the limit should become the limit, with their sign; the others should stay as they are",
        {
            "the gradients came back as they were: nothing is cut off": grads,
            "only large positive entries are cut off: a gradient has two sides": each(lambda g: np.minimum(g, limit)),
            "only large negative entries are cut off: a gradient has two sides": each(lambda g: np.maximum(g, -limit)),
            "negative entries became 0; below they may go down to -limit": each(lambda g: np.clip(g, 0, limit)),
            "signs are lost: an entry far below zero becomes -limit": each(lambda g: np.minimum(np.abs(g), limit)),
            "entries beyond the limit became 0; they become the limit": each(lambda g: np.where(abs(g) > limit, 0, g)),
            "entries within the limit were moved to it; they stay as they are": each(lambda g: np.sign(g) * limit),
            "entries are squashed by tanh; those within the limit should stay as they are": each(
                lambda g: limit * np.tanh(g / limit)
            ),
            "each array is scaled until its largest entry fits; entries are cut off one by one": each(
                lambda g: g * min(1, limit / np.abs(g).max())
            ),
            "this is clipping by norm: here every entry is cut off by itself": each(lambda g: g * min(1, limit / norm)),
            "each array is clipped by its norm: here every entry is cut off by itself": each(
                lambda g: g * min(1, limit / np.linalg.norm(g))
            ),
            "the limits are -1 and 1; they should be -limit and limit": each(lambda g: np.clip(g, -1, 1)),
        },
    )


def test_clipping_by_value_leaves_the_gradients_alone(clip_by_value, rng):
    grads = _gradients(rng)
    before = {name: g.copy() for name, g in grads.items()}
    clip_by_value(grads, 0.1)
    assert set(grads) == set(before), "the dict of gradients was changed"
    expect_unchanged(before, grads)


def _clipped_and_norm(returned):
    assert returned is not None, "returned None; expected two things: the clipped gradients and the norm. Return both."
    assert isinstance(returned, tuple | list) and len(returned) == 2, (
        f"returned a {type(returned).__name__}; expected two things: the clipped gradients and the norm before clipping"
    )
    return returned


def test_long_gradients_shrink_by_one_factor(clip_by_global_norm, rng):
    grads = _gradients(rng)
    norms = {name: np.sqrt(np.sum(g**2)) for name, g in grads.items()}
    spectral = np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in grads.values()))
    norm = np.sqrt(sum(n**2 for n in norms.values()))
    entries = sum(g.size for g in grads.values())
    # Below the largest entry, so that cutting entries off shows as well.
    max_norm = float(rng.uniform(0.2, 0.8) * max(np.abs(g).max() for g in grads.values()))
    given = {name: g.copy() for name, g in grads.items()}
    clipped, told = _clipped_and_norm(clip_by_global_norm(given, max_norm))
    expect_number(told, "the norm")
    expect_close(
        told,
        norm,
        "the norm is wrong: the root of the sum of all squared entries of all arrays, before clipping",
        {
            "the norm is that after clipping; the one before is worth logging": max_norm,
            "the squares are added but no root is taken": norm**2,
            "the norms of the arrays are added: add their squares, then take the root": sum(norms.values()),
            "this is the largest of the arrays' norms: all arrays make one vector": max(norms.values()),
            "the absolute entries are added: a length is the root of a sum of squares": sum(
                np.abs(g).sum() for g in grads.values()
            ),
            "this is the largest entry: a length is the root of a sum of squares": max(
                np.abs(g).max() for g in grads.values()
            ),
            "np.linalg.norm(g, 2) of a matrix is its largest singular value: a length adds all squares": spectral,
            "the squares are averaged: a length adds them": np.sqrt(norm**2 / entries),
            "this is the factor; the norm before clipping is asked for": max_norm / norm,
        }
        | {f"this is the norm of {name} alone: all arrays make one vector": n for name, n in norms.items()},
    )
    _expect_dict(clipped, grads)

    def each(f):
        return {name: f(name, g) for name, g in grads.items()}

    _expect_all_close(
        clipped,
        each(lambda name, g: g * (max_norm / norm)),
        "the clipped gradients should all be shrunk by one factor, to max_norm together",
        {
            "the gradients came back as they were, though together they are longer than max_norm": grads,
            "each array is clipped by its own norm: one factor for all keeps the step's direction": each(
                lambda name, g: g * min(1, max_norm / norms[name])
            ),
            "the factor is upside down: max_norm over norm": each(lambda name, g: g * (norm / max_norm)),
            "divided by the norm but not multiplied by max_norm": each(lambda name, g: g / norm),
            "multiplied by max_norm but not divided by the norm": each(lambda name, g: g * max_norm),
            "divided by max_norm; the factor is max_norm over norm": each(lambda name, g: g / max_norm),
            "1e-6 is added to the norm: the factor is max_norm / norm, with nothing added to the norm": each(
                lambda name, g: g * (max_norm / (norm + 1e-6))
            ),
            "entries are cut off one by one; shrink all by one factor": each(
                lambda name, g: np.clip(g, -max_norm, max_norm)
            ),
            "the factor is taken from the squared norm: take its root first": each(
                lambda name, g: g * (max_norm / norm**2)
            ),
        },
    )


def test_short_gradients_stay_as_they_are(clip_by_global_norm, rng):
    grads = _gradients(rng)
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    max_norm = float(norm * rng.uniform(1.5, 4))
    clipped, told = _clipped_and_norm(clip_by_global_norm(grads, max_norm))
    _expect_dict(clipped, grads)
    _expect_all_close(
        clipped,
        grads,
        "gradients shorter than max_norm were changed: they should come back as they are",
        {
            "short gradients are stretched to max_norm: the factor is never above 1": {
                name: g * (max_norm / norm) for name, g in grads.items()
            },
        },
    )
    expect_close(told, norm, "for short gradients, the norm is wrong")
    nothing = {name: np.zeros_like(g) for name, g in grads.items()}
    try:
        returned = clip_by_global_norm(nothing, max_norm)
    except ZeroDivisionError as error:
        raise AssertionError("gradients of zero should stay zero: max_norm / norm divides by zero") from error
    clipped, told = _clipped_and_norm(returned)
    _expect_dict(clipped, grads)
    assert all(np.all(c == 0) for c in clipped.values()), (
        "gradients of zero should stay zero: max_norm / norm divides by zero"
    )
    expect_close(told, 0.0, "gradients of zero have the norm 0")


def test_tiny_gradients_shrink_by_the_same_rule(clip_by_global_norm, rng):
    grads = _gradients(rng, scale=1e-6)
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    max_norm = float(norm * rng.uniform(0.2, 0.8))
    clipped, told = _clipped_and_norm(clip_by_global_norm({name: g.copy() for name, g in grads.items()}, max_norm))
    _expect_dict(clipped, grads)
    expect_number(told, "the norm")
    assert abs(float(told) / norm - 1) < 1e-6, "the norm of tiny gradients is wrong: is something added to it?"
    assert all(close(clipped[name] * 1e6, g * 1e6 * (max_norm / norm)) for name, g in grads.items()), (
        "tiny gradients are not shrunk to max_norm: the factor is max_norm / norm, with nothing added to the norm"
    )


def test_what_no_factor_can_mend_is_refused(clip_by_global_norm, rng):
    for bad in (np.nan, np.inf, -np.inf):
        grads = _gradients(rng)
        grads["W_hy"].flat[1] = bad
        try:
            clip_by_global_norm(grads, 1.0)
        except ValueError:
            continue
        raise AssertionError("a gradient with nan or infinity in it was accepted; no factor can mend it: ValueError")


def test_single_precision_is_measured_and_kept(clip_by_global_norm, rng):
    grads = {"W": (1e25 * rng.uniform(1, 9, size=(3, 4))).astype(np.float32), "b": np.ones(2, np.float32)}
    norm = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in grads.values()))
    try:
        clipped, told = _clipped_and_norm(clip_by_global_norm({name: g.copy() for name, g in grads.items()}, 2.0))
    except ValueError as error:
        raise AssertionError(
            "huge float32 gradients were refused, yet they are finite: their squares overflow float32, "
            "so add them up in float64"
        ) from error
    assert np.isfinite(told), "the squares of huge float32 gradients overflow float32: add them up in float64"
    assert abs(float(told) / norm - 1) < 1e-5, "the norm of huge float32 gradients is wrong"
    _expect_dict(clipped, grads)
    for name, c in clipped.items():
        assert c.dtype == np.float32, f"{name} came back as {c.dtype}; a float32 gradient should stay float32"
    assert np.allclose(clipped["W"], grads["W"].astype(np.float64) * (2.0 / norm), rtol=1e-4), (
        "huge float32 gradients are not shrunk to max_norm"
    )


def test_clipping_by_norm_leaves_the_gradients_alone(clip_by_global_norm, rng):
    grads = _gradients(rng)
    before = {name: g.copy() for name, g in grads.items()}
    clip_by_global_norm(grads, 0.1)
    assert set(grads) == set(before), "the dict of gradients was changed"
    expect_unchanged(before, grads)


# --- jacobian_product_norms -------------------------------------------------------------------------------------


def _norms(hs, W_hh, slopes=None, measure=lambda J: np.linalg.svd(J)[1].max(), join=lambda J, after: J @ after):
    """Row k: the measure of J_(k+1) ... J_T, where J_t takes a change of h_(t-1), a row, to one of h_t."""
    T, B, H = hs.shape
    slopes = 1 - hs**2 if slopes is None else slopes
    norms = np.ones((T, B))
    for b in range(B):
        product = np.eye(H)
        norms[T - 1, b] = measure(product)
        for t in range(T - 1, 0, -1):
            product = join(W_hh @ np.diag(slopes[t, b]), product)
            norms[t - 1, b] = measure(product)
    return norms


def _entry_by_entry(hs, W_hh, start):
    norms = np.ones(hs.shape[:2])
    for b in range(hs.shape[1]):
        product = start
        for t in range(len(hs) - 1, 0, -1):
            product = W_hh * (1 - hs[t, b] ** 2) * product
            norms[t - 1, b] = np.linalg.norm(product, ord=2)
    return norms


def test_each_state_acts_on_the_last_through_all_steps_between(jacobian_product_norms, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    w = _weights(rng, D, H)
    hs = _run(rng.normal(size=(T, B, D)), **w)
    W_hh = w["W_hh"]
    slopes, shifted = 1 - hs**2, 1 - np.concatenate([np.zeros_like(hs[:1]), hs[:-1]]) ** 2
    want = _norms(hs, W_hh)
    size = np.linalg.svd(W_hh)[1].max()
    far = T - 1 - np.arange(T)[:, None] + np.zeros((1, B))
    one_step = np.array([[np.linalg.norm(W_hh @ np.diag(slopes[t, b]), ord=2) for b in range(B)] for t in range(T)])
    apart = np.concatenate([np.cumprod(one_step[:0:-1], axis=0)[::-1], np.ones((1, B))])
    forward = np.ones((T, B))
    for b in range(B):
        product = np.eye(H)
        for t in range(1, T):
            product = product @ (W_hh @ np.diag(slopes[t, b]))
            forward[t, b] = np.linalg.norm(product, ord=2)
    got = jacobian_product_norms(hs, W_hh)
    expect_array(got, (T, B), "(T, B)")
    expect_close(
        got,
        want,
        "the norms differ from those of the product of W_hh diag(1 - h_t^2) over the steps between",
        {
            "the slopes of tanh are missing: each step is W_hh diag(1 - h_t^2)": _norms(hs, W_hh, np.ones_like(hs)),
            "these are the bounds by the norm of W_hh, not the norms of the products": size**far,
            "the norm of every step is taken and those are multiplied: multiply matrices, then take the norm": apart,
            "matrices are multiplied entry by entry, by `*`: the product of two matrices is `@`": _entry_by_entry(
                hs, W_hh, np.eye(H)
            ),
            "the steps' matrices are multiplied entry by entry, by `*`: their product is `@`": _entry_by_entry(
                hs, W_hh, np.ones((H, H))
            ),
            "one step only: the matrices of all steps between are to be multiplied": np.concatenate(
                [one_step[1:], np.ones((1, B))]
            ),
            "slopes are one step early: the step into h_t bends at h_t": _norms(hs, W_hh, shifted),
            "the slope is 1 - h_t; it should be 1 - h_t^2": _norms(hs, W_hh, 1 - hs),
            "the Frobenius norm is taken; the spectral norm, ord=2, is asked for": _norms(
                hs, W_hh, measure=np.linalg.norm
            ),
            "the largest eigenvalue is taken; the spectral norm is the largest singular value": _norms(
                hs, W_hh, measure=lambda J: np.abs(np.linalg.eigvals(J)).max()
            ),
            "the smallest singular value is taken; the norm is the largest": _norms(
                hs, W_hh, measure=lambda J: np.linalg.svd(J)[1].min()
            ),
            "the largest column sum (ord=1) is taken; the spectral norm, ord=2, is asked for": _norms(
                hs, W_hh, measure=lambda J: np.linalg.norm(J, ord=1)
            ),
            "the largest row sum (ord=inf) is taken; the spectral norm, ord=2, is asked for": _norms(
                hs, W_hh, measure=lambda J: np.linalg.norm(J, ord=np.inf)
            ),
            "W_hh is transposed: with states as rows a change passes W_hh, then the slopes": _norms(hs, W_hh.T),
            "the slopes act before W_hh: step t is W_hh diag(1 - h_t^2)": np.concatenate(
                [
                    np.array(
                        [
                            [
                                np.linalg.norm(_chain([np.diag(slopes[t, b]) @ W_hh for t in range(k + 1, T)]), ord=2)
                                for b in range(B)
                            ]
                            for k in range(T - 1)
                        ]
                    ),
                    np.ones((1, B)),
                ]
            ),
            "the matrices are multiplied in the wrong order: that of the earliest step comes first": _norms(
                hs, W_hh, join=lambda J, after: after @ J
            ),
            "measured from the first state on: row k is how h_k acts on the last state": forward,
            "the rows come in reverse order: the last row belongs to the last state": want[::-1],
            "shifted by one: row k belongs to hs[k], the last row is 1": np.concatenate(
                [_norms(hs, W_hh)[:1] * 0 + 1, want[:-1]]
            ),
            "the last row should be 1: the last state acts on itself": np.concatenate([want[:-1], np.zeros((1, B))]),
            "these are mean norms over the batch: each sequence has its own": np.broadcast_to(
                want.mean(axis=1, keepdims=True), want.shape
            ),
        },
    )


def _chain(matrices):
    product = matrices[0]
    for matrix in matrices[1:]:
        product = product @ matrix
    return product


def test_one_sequence_alone_has_the_same_norms(jacobian_product_norms, rng):
    T, B, D, H = different_sizes(rng, 4, low=3)
    w = _weights(rng, D, H)
    hs = _run(rng.normal(size=(T, B, D)), **w)
    for b in range(B):
        alone = jacobian_product_norms(hs[:, b : b + 1], w["W_hh"])
        expect_array(alone, (T, 1), "(T, B) with B = 1")
        expect_close(alone, _norms(hs[:, b : b + 1], w["W_hh"]), "the norms of one sequence alone are wrong")


def test_one_state_is_its_own_last(jacobian_product_norms, rng):
    hs = rng.uniform(-1, 1, size=(1, 3, 4))
    got = jacobian_product_norms(hs, rng.normal(size=(4, 4)))
    expect_array(got, (1, 3), "(T, B) with T = 1")
    expect_close(got, np.ones((1, 3)), "with a single state the only row should be 1")


def test_measuring_leaves_its_arguments_alone(jacobian_product_norms, rng):
    args = {"hs": rng.uniform(-1, 1, size=(4, 3, 2)), "W_hh": rng.normal(size=(2, 2))}
    before = {name: a.copy() for name, a in args.items()}
    jacobian_product_norms(**args)
    expect_unchanged(before, args)
