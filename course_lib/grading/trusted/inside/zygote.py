"""A warm fork server: it has imported what is slow to import, and each request is answered by a fork.

Requests are datagrams on a Unix socket: one JSON object, with the descriptors that the fork is to use. Nothing is
answered on that socket, so that several processes may share its other end; a fork speaks on its own descriptors. When
the last holder of the other end has gone, the server ends.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

MAX_REQUEST = 1 << 16
MAX_DESCRIPTORS = 8

Entry = Callable[[dict[str, Any], list[int]], None]


def serve(control: socket.socket, entry: Entry, *, ready: int | None = None) -> None:
    """Fork `entry(request, descriptors)` for every request, for ever. `ready` is written to and closed first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A Ctrl-C meant for the command line must not end supervisors: they end when their socket does.
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries finished forks
    threads = os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ["1"]
    if len(threads) != 1:
        raise SystemExit(f"the fork server has {len(threads)} threads; forking it would not be safe")
    gc.collect()
    gc.freeze()
    if ready is not None:
        os.write(ready, b"ready")
        os.close(ready)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_DESCRIPTORS)
        if not data:
            os._exit(0)
        if os.fork() == 0:
            try:
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                entry(json.loads(data), descriptors)
            finally:
                # Never unwind into the server's own frames, whatever the entry raised.
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
