"""A container for what no machine should run in the open: attacks where nothing else, or little, holds them back.

Bubblewrap gives it a read-only system, the repository and Python, folders of its own where things are written, no
network, no other process in sight; the program in it is an unprivileged user with limits on memory and processes, and
the whole is killed when it ends, asks for too much, or takes too long. Without bubblewrap nothing is run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from course_lib.grading.trusted.student import _descendants, _memory_kb

REPOSITORY = Path(__file__).parents[2]
MARK = Path("/run/contained-attacks")
TMP_MB = 512
MEMORY_MB = 6144
PROCESS_MB = 3072
PROCESSES = 400
ANSWER_BYTES = 64 << 20
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "localtime", "alternatives", "fonts")


class Uncontained(RuntimeError):
    """No container can be had, so nothing was run."""


def why_not() -> str:
    """What stands in the way of a container here; "" if nothing does."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    if missing := [name for name in ("setpriv", "prlimit", "nice") if shutil.which(name) is None]:
        return f"{', '.join(missing)}: not found (Debian: apt-get install util-linux coreutils)"
    check = "import os; print(os.getuid() != 0 and os.getpid() < 10 and not os.path.exists('/sys/class'))"
    done = subprocess.run([*command(["-c", check])], capture_output=True, text=True, timeout=60, check=False)
    if done.stdout.strip() == "True":
        return ""
    return f"a trial of bubblewrap failed: {(done.stderr.strip().splitlines() or ['no word from it'])[-1]}"


def command(arguments: list[str], *, read: dict[Path, str] | None = None, turn: int = 0) -> list[str]:
    """The command that runs Python with these arguments in the container.

    `read` gives more folders and where they are seen; each `turn` is another user.
    """
    seen = [Path(sys.base_prefix), Path(sys.prefix), REPOSITORY]
    binds: list[str] = []
    for name in SYSTEM:
        if os.path.islink(name):
            binds += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            binds += ["--ro-bind", name, name]
    for folder in ("/tmp", "/run", "/home", "/var/tmp"):
        binds += ["--size", str(TMP_MB << 20), "--perms", "1777", "--tmpfs", folder]
    for place in sorted({p for target in [*seen, MARK] for p in target.parents if len(p.parts) > 1}):
        # By hand: as root, folders that bubblewrap makes on the way are closed to others.
        if not str(place).startswith(("/usr", "/run", "/tmp", "/home")):
            binds += ["--perms", "0755", "--dir", str(place)]
    for place in seen:
        binds += ["--ro-bind", str(place), str(place)]
    for place in (REPOSITORY / ".git", REPOSITORY / "_grading"):
        if place.is_dir():
            binds += ["--size", "4096", "--tmpfs", str(place)]
    for folder, name in (read or {}).items():
        binds += ["--ro-bind", str(folder), name]
    binds += ["--perms", "0755", "--dir", "/etc", "--dir", str(MARK)]
    for name in SETTINGS:
        binds += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    binds += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    binds += ["--size", str(TMP_MB << 20), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/"]
    apart = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    become: list[str] = []
    if os.getuid() == 0:
        uid = str((1 << 29) + os.getpid() % (1 << 18) * 1024 + turn % 1024)
        become = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--bounding-set", "-all"]
        become += ["--inh-caps=-all", "--no-new-privs"]
    else:
        apart.append("--unshare-user")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/home",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
    } | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    settings = [word for name, value in environment.items() for word in ("--setenv", name, value)]
    walls = ["bwrap", "--die-with-parent", "--new-session", *apart, "--clearenv", *settings, *binds, "--chdir", "/tmp"]
    limits = ["prlimit", "--core=0", f"--data={PROCESS_MB << 20}", f"--nproc={PROCESSES}", "nice", "-n", "5"]
    return [*walls, *become, *limits, sys.executable, *arguments]


def run(
    arguments: list[str],
    *,
    seconds: float,
    read: dict[Path, str] | None = None,
    turn: int = 0,
    heard: Callable[[str], None] | None = None,
) -> str:
    """Run Python in the container and return what it wrote, at most `ANSWER_BYTES`; never raises for what it does.

    Parameters
    ----------
    seconds : after this long all of it is killed
    heard : called with each line as it comes
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            command(arguments, read=read, turn=turn),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd="/",
        )
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(child, time.monotonic() + seconds, ended), daemon=True)
        watch.start()
        lines: list[str] = []
        try:
            assert child.stdout is not None
            left = ANSWER_BYTES
            while left > 0 and (line := child.stdout.readline(left)):
                left -= len(line)
                lines.append(line.decode("utf-8", "replace"))
                if heard is not None:
                    heard(lines[-1])
        finally:
            child.kill()
            child.wait()
            ended.set()
            watch.join()
        return "".join(lines)


def _watch(child: subprocess.Popen[bytes], end: float, ended: threading.Event) -> None:
    """Bubblewrap dies with its first process and takes all others along; what it may use together is counted here."""
    while not ended.wait(0.05):
        if time.monotonic() > end or sum(map(_memory_kb, _descendants(child.pid))) > MEMORY_MB << 10:
            child.kill()
            return


def inside() -> bool:
    """Whether this process is in such a container: asked by everything that must not run elsewhere."""
    return MARK.is_dir() and os.getuid() != 0 and not os.access("/", os.W_OK)


@contextlib.contextmanager
def quiet_but_for_answers() -> Iterator[Callable[[str], None]]:
    """In the container: only what is written by the function given goes out; libraries and attacks speak to nobody."""
    if not inside():
        raise Uncontained("this runs attacks that nothing holds back; it is started by python -m tests.attacks only")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    yield lambda text: [os.write(answers, text.encode() + b"\n"), None][1]
