"""Submissions that try to cheat, to spy, to break out or to break things, each a small named entry of a table.

`fort` makes the course they attack, `corpus` holds the attacks, `run` grades them. `python -m tests.attacks` prints
what each earns when student code and tests share a kernel, and what it earns from the trusted engine.
"""
