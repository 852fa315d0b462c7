"""Shared by every test and doctest: NumPy under its usual name, short arrays, and a seeded generator."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _numpy_in_doctests(doctest_namespace):
    doctest_namespace["np"] = np


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)
