"""The referee of gradients must itself be right, leave no trace, and find a planted mistake."""

import numpy as np
import pytest

from course_lib.gradcheck import check_gradients, numerical_gradient, relative_error


def test_numerical_gradient_matches_a_known_one(rng):
    x = rng.normal(size=(2, 3))
    assert relative_error(numerical_gradient(lambda: np.sum(np.sin(x)), x), np.cos(x)) < 1e-9


def test_numerical_gradient_puts_every_entry_back(rng):
    x = rng.normal(size=(2, 3))
    kept = x.copy()
    numerical_gradient(lambda: x.sum(), x)
    np.testing.assert_array_equal(x, kept)


def test_single_precision_is_refused():
    with pytest.raises(TypeError, match=r"float32.*astype"):
        numerical_gradient(lambda: 0.0, np.zeros(2, np.float32))


def test_relative_error_reads_as_a_share():
    assert relative_error(np.array([3.0, 4.0]), np.array([0.0, 0.0])) == 1.0
    assert relative_error(np.zeros(3), np.zeros(3)) == 0.0
    assert relative_error(np.array([1.0]), np.array([1.01])) == pytest.approx(0.01 / 1.01)
    with pytest.raises(ValueError, match=r"\(1, 3\) and \(3,\)"):
        relative_error(np.zeros((1, 3)), np.zeros(3))


def test_a_planted_mistake_is_found_by_name(rng):
    params = {"a": rng.normal(size=3), "b": rng.normal(size=3)}
    wrong = {"a": 2 * params["a"], "b": 2 * params["b"] + 1e-3}
    errors = check_gradients(lambda: sum(np.sum(p**2) for p in params.values()), params, wrong)
    assert errors["a"] < 1e-9 < 1e-5 < errors["b"]
