"""Sequence models from scratch: every function that the book explains and the assignments ask for.

The map, from the ground up; each line may import the lines above it, never the ones below.

=====================  =====================================================================================
``functional``         activations and the softmax, in the stable forms
``gradcheck``          finite differences, and how to compare two gradients
``optim``              optimisers and clipping for a dict of parameters
``data``               the shipped data sets, their catalogue, and synthetic tasks
``text``               tokens, vocabulary, padding, n-grams
``recurrent``          the recurrent network: step, sequence, gradients, losses, read-outs, stacks
``nn``                 the same networks in PyTorch, and the conversion of weights
``plotting``           one look for every figure of the book
``grading``            the grader, which knows nothing of the rest
``publishing``         builds the book
``cli``                the ``course`` command
=====================  =====================================================================================

Importing ``course_lib`` loads none of them: take what you need, as in ``from course_lib.recurrent import rnn_step``.
"""
