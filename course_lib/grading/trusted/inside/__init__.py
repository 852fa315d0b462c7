"""What is copied into the student's sandbox: framing, the fork server, confinement, and the shell that runs cells.

Nothing here imports the rest of the grader, so that the copy works alone, and nothing here is worth stealing. The
trusted side uses `wire` and `zygote` too.
"""
