"""Recurrent networks: the step, the sequence, their gradients, losses, read-outs, stacks and language models."""

from course_lib.recurrent.activations import LINEAR, RELU, TANH, Activation, simple_rnn_backward, simple_rnn_forward
from course_lib.recurrent.bptt import (
    backward_through_time,
    forward_through_time,
    gradient_norms_over_time,
    jacobian_product_norms,
    truncated_backward,
)
from course_lib.recurrent.initialisation import init_irnn, orthogonal, scale_to_spectral_radius
from course_lib.recurrent.language_model import (
    bits_per_token,
    init_language_model,
    language_model_logits,
    log_probabilities,
    perplexity,
    rescore,
    rnn_layer,
    sentence_log_probability,
    shift_targets,
    streams,
    tbptt_step,
    train_language_model,
)
from course_lib.recurrent.layers import (
    bidirectional_backward,
    bidirectional_forward,
    stacked_backward,
    stacked_forward,
    stacked_with_skips,
)
from course_lib.recurrent.losses import binary_cross_entropy_over_time, cross_entropy_over_time
from course_lib.recurrent.readouts import many_to_many, many_to_many_backward, many_to_one, many_to_one_backward
from course_lib.recurrent.rnn import (
    init_rnn,
    rnn_backward,
    rnn_backward_stepwise,
    rnn_forward,
    rnn_forward_stepwise,
    rnn_step,
    rnn_step_backward,
)
from course_lib.recurrent.sampling import beam_search, generate, greedy, language_model_step, sample
from course_lib.recurrent.shapes import encode_decode, encode_decode_backward, one_to_many, one_to_many_backward
from course_lib.recurrent.skips import skip_rnn_backward, skip_rnn_forward

__all__ = [
    "LINEAR",
    "RELU",
    "TANH",
    "Activation",
    "backward_through_time",
    "beam_search",
    "bidirectional_backward",
    "bidirectional_forward",
    "binary_cross_entropy_over_time",
    "bits_per_token",
    "cross_entropy_over_time",
    "encode_decode",
    "encode_decode_backward",
    "forward_through_time",
    "generate",
    "gradient_norms_over_time",
    "greedy",
    "init_irnn",
    "init_language_model",
    "init_rnn",
    "jacobian_product_norms",
    "language_model_logits",
    "language_model_step",
    "log_probabilities",
    "many_to_many",
    "many_to_many_backward",
    "many_to_one",
    "many_to_one_backward",
    "one_to_many",
    "one_to_many_backward",
    "orthogonal",
    "perplexity",
    "rescore",
    "rnn_backward",
    "rnn_backward_stepwise",
    "rnn_forward",
    "rnn_forward_stepwise",
    "rnn_layer",
    "rnn_step",
    "rnn_step_backward",
    "sample",
    "scale_to_spectral_radius",
    "sentence_log_probability",
    "shift_targets",
    "simple_rnn_backward",
    "simple_rnn_forward",
    "skip_rnn_backward",
    "skip_rnn_forward",
    "stacked_backward",
    "stacked_forward",
    "stacked_with_skips",
    "streams",
    "tbptt_step",
    "train_language_model",
    "truncated_backward",
]
