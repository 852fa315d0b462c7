"""Is this gradient right? Compare it with finite differences.

A derivative worked out by hand and one measured by nudging each number share no mistakes, so their agreement is
strong evidence. Use float64: the nudge needs digits to spare.
"""

import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    r"""Measure :math:`\partial f / \partial x` by central differences, one entry of x at a time.

    Each entry is moved by eps to either side, :math:`(f(x + \epsilon) - f(x - \epsilon)) / 2\epsilon`, and put back.
    The error is of order eps squared from the curve and :math:`10^{-16} / \epsilon` from rounding; 1e-5 is about
    where the two meet.

    Parameters
    ----------
    f : function of no arguments, returning a number
        Reads x afresh at each call.
    x : float64 array, any shape
        Changed in place while measuring, and as before when done.
    eps : float

    Returns
    -------
    array of the shape of x

    Raises
    ------
    TypeError
        If x is not float64.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> numerical_gradient(lambda: np.sum(x**2), x).round(6)
    array([2., 4., 6.])
    """
    if x.dtype != np.float64:
        raise TypeError(f"x has dtype {x.dtype}; a nudge of {eps} needs float64. Use x.astype(np.float64).")
    grad = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + eps
        above = f()
        x[index] = kept - eps
        below = f()
        x[index] = kept
        grad[index] = (above - below) / (2 * eps)
    return grad


def relative_error(a, b):
    r"""Distance between two gradients as a share of their size: :math:`\|a - b\| / \max(\|a\|, \|b\|)`.

    Taken over the whole array, so an entry that happens to be near zero does not cry wolf. Two zero arrays agree.

    Examples
    --------
    >>> relative_error(np.array([3.0, 4.0]), np.array([3.0, 4.5])) < 0.1
    True
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"the gradients have shapes {a.shape} and {b.shape}; they must be the same")
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / size) if size else 0.0


def check_gradients(loss, params, grads, eps=1e-5):
    """Compare every gradient in a dict with finite differences and return the relative errors by name.

    Parameters
    ----------
    loss : function of no arguments, returning a number
        Reads the arrays in params afresh at each call.
    params, grads : dicts of float64 arrays
        Same keys; what has a gradient is checked.

    Returns
    -------
    dict from name to relative error
    """
    return {name: relative_error(grads[name], numerical_gradient(loss, params[name], eps)) for name in grads}
