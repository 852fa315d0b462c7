"""An IPython shell without sockets or threads: runs a cell and collects what it shows, up to a number of bytes.

Top-level await, magics, `!commands` and rich display work as in a notebook; `input()` raises.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

MAX_OUTPUTS = 500


class Outputs:
    """What the current cell has shown, in nbformat's terms."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.left = 0
        self.truncated = False

    def begin(self, cap: int) -> None:
        self.items, self.left, self.truncated = [], cap, False

    def write(self, name: str, text: str) -> None:
        text = self._fit(text)
        if not text:
            return
        if self.items and self.items[-1].get("name") == name:
            self.items[-1]["text"].append(text)
        elif len(self.items) < MAX_OUTPUTS:
            self.items.append({"output_type": "stream", "name": name, "text": [text]})

    def show(self, kind: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        texts = {k: v for k, v in data.items() if isinstance(v, str)}
        size = sum(len(v.encode("utf-8", "replace")) for v in texts.values())
        if size > self.left or len(self.items) >= MAX_OUTPUTS:
            self.truncated = True
            return
        self.left -= size
        self.items.append({"output_type": kind, "data": texts, "metadata": {}})

    def fail(self, name: str, value: str, trace: list[str]) -> None:
        trace = [line[:5000] for line in trace[-30:]]
        self.items.append({"output_type": "error", "ename": name[:100], "evalue": value[:2000], "traceback": trace})

    def finished(self) -> list[dict[str, Any]]:
        for item in self.items:
            if item["output_type"] == "stream" and isinstance(item["text"], list):
                item["text"] = "".join(item["text"])
        if self.truncated:
            self.items.append({"output_type": "stream", "name": "stdout", "text": "... output cut ...\n"})
        return self.items

    def _fit(self, text: str) -> str:
        raw = text[: self.left + 1].encode("utf-8", "replace")
        if len(raw) > self.left or len(text) > len(raw):
            raw, self.truncated = raw[: self.left], True
        self.left -= len(raw)
        return raw.decode("utf-8", "ignore")


OUT = Outputs()


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a cell."""

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        self._name = name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        OUT.write(self._name, str(text))
        return len(text)


class Publisher(DisplayPublisher):
    def publish(self, data: dict, metadata: dict | None = None, **_: Any) -> None:  # type: ignore[override]
        OUT.show("display_data", data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        OUT.items.clear()


class Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        OUT.show("execute_result", format_dict, md_dict or {})

    def log_output(self, format_dict: dict) -> None:
        pass

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        OUT.fail(etype.__name__, text_of(evalue), list(stb))

    def init_virtualenv(self) -> None:
        pass

    def enable_gui(self, gui: Any = None) -> None:
        pass


def text_of(error: BaseException) -> str:
    """A student's exception may fail to say what it is, or say it for ever."""
    try:
        return str(error)[:2000]
    except Exception:
        return ""


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() has nobody to ask while a notebook is graded")


def make_shell() -> Shell:
    """Built once in the fork server, and warmed up: the first cell and the first traceback import a great deal."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.cache_size = 100
    shell = Shell.instance(
        config=config, ipython_dir=os.environ["IPYTHONDIR"], display_pub_class=Publisher, displayhook_class=Hook
    )
    shell.colors = "NoColor"
    builtins.input = _no_input
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    OUT.begin(1 << 16)
    for source in ("1", "1/0", "f'{1}'\n_ = [i for i in range(2)]"):
        shell.run_cell(source, store_history=False)
    OUT.begin(0)
    sys.stdout, sys.stderr = streams
    shell.reset(new_session=True)
    return shell


def settle(shell: Shell, seed: int, tmp: str) -> None:
    """In the fork: streams, folders of its own, and the same random numbers at every run."""
    import random
    import tempfile

    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    work = os.path.join(tmp, "work")
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    sys.path.append(work)  # last: a module written there shadows nothing
    os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = tmp
    os.environ["IPYTHONDIR"] = shell.ipython_dir = os.path.join(tmp, ".ipython")
    os.makedirs(os.path.join(shell.ipython_dir, "profile_default"), exist_ok=True)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def run_cell(shell: Shell, source: str, cap: int) -> dict[str, Any]:
    OUT.begin(cap)
    result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    status = "ok" if error is None else "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
    reply = {"status": status, "outputs": OUT.finished(), "ename": "", "evalue": ""}
    if error is not None:
        reply["ename"], reply["evalue"] = type(error).__name__[:100], text_of(error)
    return reply
