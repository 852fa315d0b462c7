"""One Jupyter kernel in a process of its own, with limits on time and output.

This is not a sandbox: the code runs as you, on your machine, with your files and network. What it gives is that a
submission cannot hang, kill or drown the grader.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_output, output_from_msg

from .errors import MachineFault

START_SECONDS = 90
INTERRUPT_SECONDS = 2.0
TICK_SECONDS = 0.25
KEEP_FROM_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP")

# Two runs of the same submission must see the same random numbers.
PRELUDE = """
import random as _random
_random.seed({seed})
try:
    import numpy as _numpy
    _numpy.random.seed({seed} % 2**32)
    del _numpy
except ImportError:
    pass
del _random
"""


@dataclass
class Outcome:
    """What became of one cell. `status`: ok, error, timeout (the kernel lives on) or dead (it does not)."""

    status: str
    outputs: list[NotebookNode] = field(default_factory=list)
    ename: str = ""
    evalue: str = ""
    seconds: float = 0.0


class _OnlyPython(KernelSpecManager):
    """Always this interpreter, whatever kernels the notebook names or the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=[*command, "--HistoryManager.enabled=False"], display_name="Python 3", language="python")


class Kernel:
    """Start with :func:`running_kernel`; `run` cells; a dead kernel is replaced by `restart`."""

    def __init__(self, course_root: Path, folder: Path, seed: int, output_bytes: int) -> None:
        self._root, self._folder, self._seed, self._cap = course_root, folder, seed, output_bytes
        self._starts = 0
        self._manager: KernelManager | None = None
        self._client: BlockingKernelClient | None = None
        self._group: int | None = None

    def start(self) -> None:
        self._starts += 1
        self._manager = KernelManager(
            kernel_spec_manager=_OnlyPython(), connection_file=str(self._folder / f".kernel-{self._starts}.json")
        )
        if os.name == "posix":
            # Sockets in the private folder: no port is opened, and parallel kernels cannot collide.
            self._manager.transport, self._manager.ip = "ipc", str(self._folder / f".k{self._starts}")
        try:
            self._manager.start_kernel(cwd=str(self._folder / "work"), env=self._environment())
            self._group = getattr(self._manager.provisioner, "pid", None)
            self._client = self._manager.blocking_client()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=START_SECONDS)
        except Exception as error:
            self.close()
            raise MachineFault(f"no Python kernel could be started ({type(error).__name__}: {error})") from error
        outcome = self.run(PRELUDE.format(seed=self._seed), START_SECONDS)
        if outcome.status != "ok":
            raise MachineFault(f"a fresh kernel could not run its first lines ({outcome.status} {outcome.evalue})")

    def restart(self) -> None:
        self.close()
        self.start()

    def run(self, source: str, seconds: float) -> Outcome:
        """Run one cell; it gets an interrupt after `seconds`, and the whole kernel is killed if that is ignored."""
        assert self._client is not None and self._manager is not None
        began = time.monotonic()
        collected = _Outputs(self._cap)
        request = self._client.execute(source, store_history=True, allow_stdin=False, stop_on_error=False)
        if self._wait_until_idle(request, began + seconds, collected):
            status = self._reply(request, collected)
        elif not self._alive():
            status = "dead"
        else:
            self._manager.interrupt_kernel()
            quiet = _Outputs(0)
            status = "timeout"
            if not self._wait_until_idle(request, time.monotonic() + INTERRUPT_SECONDS, quiet):
                self._kill()
                status = "dead"
                collected.ename = "Timeout"
        outcome = Outcome(status, collected.finished(), collected.ename, collected.evalue)
        outcome.seconds = time.monotonic() - began
        return outcome

    def close(self) -> None:
        """Kill the kernel and what it started in its process group; nothing is asked politely."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None
        self._kill()
        if self._manager is not None:
            with contextlib.suppress(Exception):
                self._manager.shutdown_kernel(now=True)
            with contextlib.suppress(Exception):
                self._manager.cleanup_resources()
            self._manager = None

    def _alive(self) -> bool:
        return self._manager is not None and self._manager.is_alive()

    def _kill(self) -> None:
        if self._group is not None and os.name == "posix":
            # The kernel leads a session of its own, so its id names the group of all that it started.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        self._group = None

    def _wait_until_idle(self, request: str, deadline: float, collected: _Outputs) -> bool:
        assert self._client is not None
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self._client.get_iopub_msg(timeout=min(left, TICK_SECONDS))
            except queue.Empty:
                if not self._alive():
                    return False
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return True
            collected.add(message)
        return False

    def _reply(self, request: str, collected: _Outputs) -> str:
        """The kernel's own word on how the cell ended: a student's output cannot pretend to be one."""
        assert self._client is not None
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                message = self._client.get_shell_msg(timeout=TICK_SECONDS)
            except queue.Empty:
                if not self._alive():
                    return "dead"
                continue
            if message["parent_header"].get("msg_id") == request:
                content = message["content"]
                if content["status"] == "ok":
                    return "ok"
                collected.ename = str(content.get("ename", "Error"))
                collected.evalue = str(content.get("evalue", ""))
                return "error"
        return "dead"

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        kept = {name: os.environ[name] for name in KEEP_FROM_ENVIRONMENT if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        return (
            kept
            | threads
            | {
                "PYTHONPATH": str(self._root),
                "PYTHONHASHSEED": "0",
                "PYTHONDONTWRITEBYTECODE": "1",
                "COURSE_SEED": str(self._seed),
                "NBGRADER_EXECUTION": "autograde",
                "HOME": folder,
                "TMPDIR": folder,
                "IPYTHONDIR": folder,
                "MPLCONFIGDIR": folder,
            }
        )


@contextlib.contextmanager
def running_kernel(course_root: Path, seed: int, output_bytes: int) -> Iterator[Kernel]:
    """A fresh kernel in a temporary folder of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "work").mkdir()
        kernel = Kernel(course_root, folder, seed, output_bytes)
        try:
            kernel.start()
            yield kernel
        finally:
            kernel.close()


class _Outputs:
    """Collects a cell's outputs up to a number of bytes; nbgrader's own limit counts lines, and lines can be long."""

    KEPT_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml")

    def __init__(self, cap: int) -> None:
        self._left, self._cap, self._items = cap, cap, list[NotebookNode]()
        self._truncated = False
        self.ename = self.evalue = ""

    def add(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            self._items.clear()
        if kind == "stream":
            self._add_stream(str(content["name"]), str(content["text"]))
        elif kind in ("execute_result", "display_data"):
            content["data"] = {k: v for k, v in content["data"].items() if k in self.KEPT_TYPES}
            if self._fits(sum(len(str(v)) for v in content["data"].values())):
                self._items.append(output_from_msg(message))
        elif kind == "error":
            # Always kept, cut short: it says why the cell stopped.
            lines = [str(line)[:5000] for line in content.get("traceback", [])][-30:]
            self._items.append(
                new_output(
                    "error", ename=str(content["ename"])[:100], evalue=str(content["evalue"])[:2000], traceback=lines
                )
            )

    def finished(self) -> list[NotebookNode]:
        if self._truncated:
            note = f"... output cut after {self._cap / 1024:.0f} kB ...\n"
            self._items.append(new_output("stream", name="stdout", text=note))
        return self._items

    def _add_stream(self, name: str, text: str) -> None:
        if len(text) > self._left:
            text, self._truncated = text[: self._left], self._cap > 0
        self._left -= len(text)
        if not text:
            return
        last = self._items[-1] if self._items else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self._items.append(new_output("stream", name="stderr" if name == "stderr" else "stdout", text=text))

    def _fits(self, size: int) -> bool:
        if size > self._left:
            self._truncated = self._cap > 0
            return False
        self._left -= size
        return True
