"""Optimisers for parameters kept in a plain dict.

Each holds what it must remember between steps (a velocity, a sum of squares) under the same keys as the
parameters, and changes the parameters in place, so every other reference to them sees the step.
"""

import numpy as np


def global_norm(grads):
    """Length of all gradients laid end to end in one vector.

    Examples
    --------
    >>> global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])})
    5.0
    """
    # A running sum in Python floats: a float32 square overflows at 1.8e19, well within an exploding gradient's reach.
    return float(np.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in grads.values())))


def clip_by_global_norm(grads, max_norm):
    """Shrink all gradients by one common factor so that together they are no longer than max_norm.

    One factor for all keeps the direction of the step; clipping each array alone would turn it.

    Parameters
    ----------
    grads : dict of arrays
        Left as they are.
    max_norm : float

    Returns
    -------
    clipped : dict of arrays
    norm : float
        The length before clipping, worth logging: it is the first thing to rise when training goes wrong.

    Raises
    ------
    ValueError
        If that length is not finite.

    Examples
    --------
    >>> clipped, norm = clip_by_global_norm({"W": np.array([6.0]), "b": np.array([8.0])}, max_norm=5.0)
    >>> clipped["W"], clipped["b"], norm
    (array([3.]), array([4.]), 10.0)
    """
    # Summed in float64: a float32 square overflows at 1.8e19, well within an exploding gradient's reach.
    norm = float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in grads.values())))
    if not np.isfinite(norm):
        raise ValueError(
            f"the gradient's norm is {norm}; no factor can mend that. Look for a division by zero, a logarithm "
            "of zero or a learning rate that is too large."
        )
    scale = min(1.0, max_norm / norm) if norm else 1.0
    return {name: g * np.asarray(scale, g.dtype) for name, g in grads.items()}, norm


def clip_by_value(grads, limit):
    """Cut every entry of every gradient off at plus and minus limit.

    An entry within the limits stays as it is, so the step may turn: an exploding entry shrinks beside its neighbours.

    Parameters
    ----------
    grads : dict of arrays
        Left as they are.
    limit : float
        Above zero.

    Returns
    -------
    dict of arrays

    Examples
    --------
    >>> clip_by_value({"W": np.array([6.0, -0.5]), "b": np.array([-8.0])}, limit=5.0)
    {'W': array([ 5. , -0.5]), 'b': array([-5.])}
    """
    return {name: np.clip(g, -limit, limit) for name, g in grads.items()}


def _check_keys(params, grads):
    unknown = sorted(set(grads) - set(params))
    if unknown:
        raise ValueError(
            f"gradients for {unknown}, but the parameters are {sorted(params)}; pass gradients of parameters only, "
            "under the parameters' names"
        )


class SGD:
    """Gradient descent, with momentum if asked: ``v = momentum * v + g``, then ``p -= learning_rate * v``."""

    def __init__(self, learning_rate, momentum=0.0):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self._velocity = {}

    def step(self, params, grads):
        """Move every parameter that has a gradient, in place."""
        _check_keys(params, grads)
        for name, g in grads.items():
            v = self._velocity.setdefault(name, np.zeros_like(params[name]))
            v *= self.momentum
            v += g
            params[name] -= self.learning_rate * v


class AdaGrad:
    """Divide each entry's step by the root of its summed squared gradients: rare directions keep moving."""

    def __init__(self, learning_rate, eps=1e-8):
        self.learning_rate = learning_rate
        self.eps = eps
        self._squares = {}

    def step(self, params, grads):
        """Move every parameter that has a gradient, in place."""
        _check_keys(params, grads)
        for name, g in grads.items():
            s = self._squares.setdefault(name, np.zeros_like(params[name]))
            s += g * g
            move = np.sqrt(s)
            move += self.eps
            np.divide(g, move, out=move)
            move *= self.learning_rate
            params[name] -= move


class Adam:
    """Momentum divided by a running size of the gradient, both corrected for starting at zero."""

    def __init__(self, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.learning_rate = learning_rate
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self._mean, self._square, self._steps = {}, {}, {}

    def step(self, params, grads):
        """Move every parameter that has a gradient, in place."""
        _check_keys(params, grads)
        for name, g in grads.items():
            m = self._mean.setdefault(name, np.zeros_like(params[name]))
            s = self._square.setdefault(name, np.zeros_like(params[name]))
            n = self._steps[name] = self._steps.get(name, 0) + 1
            m += (1 - self.beta1) * (g - m)
            s += (1 - self.beta2) * (g * g - s)
            rate = self.learning_rate * np.sqrt(1 - self.beta2**n) / (1 - self.beta1**n)
            # The correction of s inside the root scales eps as well: this is the published form, not the shortcut.
            params[name] -= rate * m / (np.sqrt(s) + self.eps * np.sqrt(1 - self.beta2**n))
