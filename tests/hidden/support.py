"""What hidden tests share: comparisons whose failure says in words which slip was made.

A message may name shapes, steps and likely causes. It never holds an expected number, since students read it.
"""

import numpy as np


def different_sizes(rng, count, low=2, high=8):
    """Draw different sizes, so that no two axes can be mistaken for one another."""
    return (int(n) for n in rng.permutation(np.arange(low, high))[:count])


def expect_array(got, shape, letters):
    """Fail unless got is an array of the given shape; letters says it in the docstring's words, as "(B, H)"."""
    assert got is not None, f"returned None; expected an array of shape {letters}. Is there a return?"
    assert isinstance(got, np.ndarray), (
        f"returned a {type(got).__name__}; expected one array of shape {letters}. np.stack makes one of a list."
    )
    assert got.shape == shape, f"returned shape {got.shape}; expected {letters} = {shape}"


def expect_number(got, what):
    """Fail unless got is one number: a Python or NumPy scalar, or an array of no dimensions."""
    assert np.ndim(got) == 0 and not isinstance(got, str | bytes) and got is not None, (
        f"{what} has shape {np.shape(got)}; expected one number. Is a sum or a mean missing?"
    )


def close(a, b):
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        return False  # no exercise has complex numbers, and the next line would drop the imaginary part
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-7, atol=1e-9))


def expect_close(got, want, otherwise, slips=None):
    """Fail unless got agrees with want, naming the first known slip whose outcome it agrees with instead.

    Parameters
    ----------
    got, want : arrays or numbers
    otherwise : str
        What to say when no known slip explains the difference.
    slips : dict from message to outcome, optional
        What a function with that slip would have returned.
    """
    if close(got, want):
        return
    assert np.all(np.isfinite(got)), f"some values are nan or infinite; {otherwise}"
    for message, outcome in (slips or {}).items():
        if close(got, outcome):
            raise AssertionError(message)
    raise AssertionError(otherwise)


def expect_unchanged(before, after):
    """Fail if a function changed an argument; both are dicts of arrays by the arguments' names."""
    for name, old in before.items():
        assert np.array_equal(old, after[name], equal_nan=True), (
            f"the argument {name} was changed in place; work on a copy"
        )
