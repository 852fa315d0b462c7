"""Activations against SciPy, and where the plain formulas would overflow."""

import numpy as np
import pytest
from scipy import special

from course_lib.functional import log_softmax, sigmoid, softmax


def test_sigmoid_is_that_of_scipy(rng):
    x = 30 * rng.normal(size=(4, 5))
    np.testing.assert_allclose(sigmoid(x), special.expit(x), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax_is_that_of_scipy_along_any_axis(axis, rng):
    x = 30 * rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(softmax(x, axis=axis), special.softmax(x, axis=axis), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_log_softmax_is_that_of_scipy_along_any_axis(axis, rng):
    x = 1000 * rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(log_softmax(x, axis=axis), special.log_softmax(x, axis=axis), rtol=1e-12)


def test_extreme_scores_raise_no_warning():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]
        assert softmax(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]
