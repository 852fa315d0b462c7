"""Recurrent networks: the step, the sequence, their gradients, losses, read-outs and stacks."""

from course_lib.recurrent.layers import bidirectional_forward, stacked_forward
from course_lib.recurrent.losses import binary_cross_entropy_over_time, cross_entropy_over_time
from course_lib.recurrent.readouts import many_to_one, many_to_one_backward
from course_lib.recurrent.rnn import (
    init_rnn,
    rnn_backward,
    rnn_backward_stepwise,
    rnn_forward,
    rnn_forward_stepwise,
    rnn_step,
    rnn_step_backward,
)

__all__ = [
    "bidirectional_forward",
    "binary_cross_entropy_over_time",
    "cross_entropy_over_time",
    "init_rnn",
    "many_to_one",
    "many_to_one_backward",
    "rnn_backward",
    "rnn_backward_stepwise",
    "rnn_forward",
    "rnn_forward_stepwise",
    "rnn_step",
    "rnn_step_backward",
    "stacked_forward",
]
