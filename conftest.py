"""Shared by every test and doctest: NumPy under its usual name, short arrays, and a seeded generator."""

import hypothesis
import numpy as np
import pytest

# No test is timed: on a busy machine a deadline would fail what is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _numpy_in_doctests(doctest_namespace):
    doctest_namespace["np"] = np


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)
