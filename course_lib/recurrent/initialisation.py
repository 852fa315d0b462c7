"""Where the recurrent weights start: matrices that neither shrink nor stretch, or do so by a chosen factor.

Each gives a matrix or a dict to put in place of what :func:`~course_lib.recurrent.rnn.init_rnn` draws:
``init_rnn(D, H, rng) | {"W_hh": orthogonal(H, rng)}``.
"""

import numpy as np


def orthogonal(H, rng, dtype=np.float64):
    r"""Draw an orthogonal matrix, every one equally likely: it turns a state and keeps its length.

    Parameters
    ----------
    H : int
    rng : numpy Generator
    dtype : float type of the array

    Returns
    -------
    (H, H) array
        :math:`W^\top W = I`.

    Examples
    --------
    >>> W = orthogonal(3, np.random.default_rng(0))
    >>> np.allclose(W.T @ W, np.eye(3))
    True
    """
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    # QR leaves the signs to the algorithm; with those of R's diagonal taken out, none is favoured.
    return (Q * np.sign(np.diag(R))).astype(dtype)


def scale_to_spectral_radius(W, radius):
    """Multiply a matrix so that its largest eigenvalue has this absolute value.

    Powers of the matrix then shrink or grow like powers of the radius.

    Parameters
    ----------
    W : (H, H) array
    radius : float

    Returns
    -------
    (H, H) array

    Examples
    --------
    >>> scale_to_spectral_radius(np.array([[0.0, 2.0], [-2.0, 0.0]]), 0.9)
    array([[ 0. ,  0.9],
           [-0.9,  0. ]])
    """
    found = np.abs(np.linalg.eigvals(W)).max()
    # Rounding gives a nilpotent matrix tiny eigenvalues that no factor should blow up.
    if found <= 1e-12 * np.abs(W).max() or found == 0:
        raise ValueError(f"the largest eigenvalue is {found:.1g}; no factor makes it {radius}. Draw another matrix.")
    return W * np.asarray(radius / found, W.dtype)


def init_irnn(D, H, rng, *, scale=1.0, std=1e-3, dtype=np.float64):
    """Draw the parameters of an IRNN: identity recurrent weights, zero biases, small input weights.

    With ReLU units (``activations.RELU``) and no input, a state that is not negative stays
    as it is, and so does its gradient.

    Parameters
    ----------
    D, H : int
        Width of the input and of the state.
    rng : numpy Generator
    scale : float
        Factor on the identity; below 1 the network starts out forgetting.
    std : float
        Standard deviation of the input weights.
    dtype : float type of the arrays

    Returns
    -------
    dict of arrays
        ``W_xh`` (D, H), ``W_hh`` (H, H), ``b_h`` (H,).

    Examples
    --------
    >>> init_irnn(3, 2, np.random.default_rng(0), scale=0.5)["W_hh"]
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    return {
        "W_xh": (std * rng.normal(size=(D, H))).astype(dtype),
        "W_hh": scale * np.eye(H, dtype=dtype),
        "b_h": np.zeros(H, dtype),
    }
