r"""Weights between this package and :mod:`torch.nn`.

PyTorch keeps each matrix the other way round, :math:`W x` where ours reads :math:`x W`, and splits the bias in two
that are only ever added: ``bias_ih_l0 + bias_hh_l0``. Going there, our bias becomes the first and zeros the second.
"""

import torch


def rnn_to_torch(params):
    """Make a :class:`torch.nn.RNN` that computes what :func:`course_lib.recurrent.rnn.rnn_forward` does.

    Parameters
    ----------
    params : dict of arrays
        ``W_xh`` (D, H), ``W_hh`` (H, H), ``b_h`` (H,).

    Returns
    -------
    torch.nn.RNN
        One layer, tanh, time first, in the parameters' dtype, with weights of its own.
    """
    D, H = params["W_xh"].shape
    module = torch.nn.RNN(D, H, dtype=torch.from_numpy(params["W_xh"]).dtype)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(params["W_xh"].T))
        module.weight_hh_l0.copy_(torch.from_numpy(params["W_hh"].T))
        module.bias_ih_l0.copy_(torch.from_numpy(params["b_h"]))
        module.bias_hh_l0.zero_()
    return module


def rnn_from_torch(module):
    """Take the parameters of a one-layer, one-direction tanh :class:`torch.nn.RNN` as arrays of their own.

    Parameters
    ----------
    module : torch.nn.RNN

    Returns
    -------
    dict of arrays
        ``W_xh`` (D, H), ``W_hh`` (H, H), ``b_h`` (H,).
    """
    kind = (module.mode, module.num_layers, module.bidirectional)
    if kind != ("RNN_TANH", 1, False):
        raise ValueError(
            f"found {module.mode} with num_layers={module.num_layers}, bidirectional={module.bidirectional}; expected "
            "RNN_TANH with one layer and one direction. Convert the layers of a stack one by one."
        )
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    bias = weights["bias_ih_l0"] + weights["bias_hh_l0"] if module.bias else 0 * weights["weight_hh_l0"][0]
    return {"W_xh": weights["weight_ih_l0"].T.copy(), "W_hh": weights["weight_hh_l0"].T.copy(), "b_h": bias}
