"""Losses over time against PyTorch, finite differences and limits."""

import numpy as np
import pytest
import torch

from course_lib.gradcheck import numerical_gradient, relative_error
from course_lib.recurrent import binary_cross_entropy_over_time, cross_entropy_over_time

T, B, V = 5, 3, 4


@pytest.fixture
def mask():
    return np.arange(T)[:, None] < np.array([5, 2, 3])


@pytest.mark.parametrize("padded", [False, True])
def test_cross_entropy_is_that_of_torch(padded, mask, rng):
    logits, targets = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B))
    z = torch.from_numpy(logits).requires_grad_(True)
    each = torch.nn.functional.cross_entropy(
        z.reshape(T * B, V), torch.from_numpy(targets).reshape(-1), reduction="none"
    )
    real = mask if padded else np.ones_like(mask)
    theirs = (each * torch.from_numpy(real).reshape(-1)).sum() / B
    theirs.backward()
    loss, dlogits = cross_entropy_over_time(logits, targets, mask if padded else None)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    assert relative_error(dlogits, z.grad.numpy()) < 1e-12


@pytest.mark.parametrize("padded", [False, True])
def test_binary_cross_entropy_is_that_of_torch(padded, mask, rng):
    logits, targets = rng.normal(size=(T, B)), rng.integers(2, size=(T, B))
    z = torch.from_numpy(logits).requires_grad_(True)
    y = torch.from_numpy(targets.astype(float))
    real = torch.from_numpy(mask if padded else np.ones_like(mask)).to(z.dtype)
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(z, y, weight=real, reduction="sum") / B
    theirs.backward()
    loss, dlogits = binary_cross_entropy_over_time(logits, targets, mask if padded else None)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    assert relative_error(dlogits, z.grad.numpy()) < 1e-12


def test_gradients_agree_with_finite_differences(mask, rng):
    logits, targets = rng.normal(size=(T, B, V)), rng.integers(V, size=(T, B))
    numeric = numerical_gradient(lambda: cross_entropy_over_time(logits, targets, mask)[0], logits)
    assert relative_error(cross_entropy_over_time(logits, targets, mask)[1], numeric) < 1e-9
    scores, answers = rng.normal(size=(T, B)), rng.integers(2, size=(T, B))
    numeric = numerical_gradient(lambda: binary_cross_entropy_over_time(scores, answers, mask)[0], scores)
    assert relative_error(binary_cross_entropy_over_time(scores, answers, mask)[1], numeric) < 1e-9


def test_scores_of_thousands_cost_thousands_not_infinity():
    hopeless = np.array([[[5000.0, 0.0]]])
    assert cross_entropy_over_time(hopeless, np.array([[1]]))[0] == pytest.approx(5000)
    assert binary_cross_entropy_over_time(np.array([[-5000.0]]), np.array([[1]]))[0] == pytest.approx(5000)


def test_two_classes_and_yes_or_no_are_the_same_loss(rng):
    scores, answers = rng.normal(size=(T, B)), rng.integers(2, size=(T, B))
    two = np.stack([np.zeros_like(scores), scores], axis=-1)
    assert cross_entropy_over_time(two, answers)[0] == pytest.approx(binary_cross_entropy_over_time(scores, answers)[0])
