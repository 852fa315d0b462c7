"""Submissions that try to cheat, to spy, to break out or to break things, each a small named entry of a table.

`fort` makes the course they attack, `corpus` holds the attacks, `run` grades them with an engine, `stock` with nbgrader
as it comes, in a `container`. `python -m tests.attacks` prints what each earns from both.
"""
