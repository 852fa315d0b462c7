"""The first lines of the student's fork server: import what is allowed, then wait for requests.

The command line holds one JSON object: ``control`` and ``ready`` (descriptors), ``preload`` (modules to import now),
``syscalls`` (whether to refuse the system calls of `confine.REFUSED`), ``signals`` (whether processes may
signal one another) and ``shell`` (false for a trial of the walls).
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys


def main() -> None:
    settings = json.loads(sys.argv.pop())
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    for name in settings["preload"]:
        importlib.import_module(name)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
    from .enclose import Enclose
    from .zygote import serve

    become = importlib.import_module(".runner", __package__).furnish() if settings["shell"] else None
    entry = Enclose(become, syscalls=settings["syscalls"], signals=settings["signals"])
    os.dup2(nothing, 2)  # what went wrong until here is shown to the instructor; from now on nothing is
    os.close(nothing)
    serve(socket.socket(fileno=settings["control"]), entry, ready=settings["ready"])


if __name__ == "__main__":
    main()
