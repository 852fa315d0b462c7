"""Which walls this machine offers around a student's process, strongest first, and how to put them up.

A :class:`Tier` starts the student's fork server behind the walls that all submissions of an assignment share; each
fork then adds those of its own (`inside.confine`). The strongest tier whose trial run succeeds is used, and its
promise is printed with the results.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from ..errors import MachineFault
from .edition import Edition, make_edition
from .inside import confine
from .student import Launch, Sandbox, Walls

START_SECONDS = 120.0
TRIAL_SECONDS = 20.0
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class Tier(ABC):
    """One way to shut student code in."""

    name: str
    promise: str
    weaknesses: tuple[str, ...] = ()

    @abstractmethod
    def command(self, edition: Edition) -> tuple[list[str], dict[str, str]]:
        """The command that starts Python behind the shared walls, and its environment."""

    @abstractmethod
    def request(self, edition: Edition, tmp: str) -> dict[str, Any]:
        """What each fork must do to shut itself in."""

    needs_folder = True

    def another_user(self) -> bool:
        """Whether forks become another user: only root can, and a limit on processes binds only others."""
        return os.getuid() == 0

    @property
    def syscalls(self) -> bool:
        return has_seccomp()

    def start(self, edition: Edition, *, shell: bool = True) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        """The student's fork server, ready for requests on the returned socket."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        settings = {
            "control": theirs.fileno(),
            "ready": writing,
            "preload": edition.preload,
            "syscalls": self.syscalls,
            "signals": not self.needs_folder,  # harmless only where no process of others is in sight
            "shell": shell,
        }
        command, environment = self.command(edition)
        with tempfile.TemporaryFile() as complaints:
            server = subprocess.Popen(
                [*command, "-m", "inside.start", json.dumps(settings)],
                pass_fds=[theirs.fileno(), writing],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
            theirs.close()
            os.close(writing)
            with os.fdopen(reading, "rb") as pipe:
                answer = read_until(pipe.fileno(), time.monotonic() + START_SECONDS)
            if answer != b"ready":
                ours.close()
                server.kill()
                server.wait()
                complaints.seek(0)
                said = complaints.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise MachineFault(f"the sandbox ({self.name}) did not start: {''.join(said) or 'no word from it'}")
        return ours, server


def read_until(descriptor: int, deadline: float) -> bytes:
    import select

    out = b""
    while len(out) < 5 and (left := deadline - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            piece = os.read(descriptor, 5)
            if not piece:
                break
            out += piece
    return out


def _environment(path: str, tmp: str) -> dict[str, str]:
    """All that student code finds in its environment."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return threads | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": tmp,
        "TMPDIR": tmp,
        "IPYTHONDIR": f"{tmp}/.ipython",
        "MPLCONFIGDIR": f"{tmp}/.matplotlib",
        "MPLBACKEND": "agg",
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "NBGRADER_EXECUTION": "autograde",
    }


# --- bubblewrap -------------------------------------------------------------------------------------------------


class Bubblewrap(Tier):
    """A file tree, network, users and processes of its own, by bubblewrap; each fork again within that."""

    name = "bubblewrap"
    needs_folder = False
    promise = (
        "Student code runs in a sandbox of bubblewrap: no network, no files but Python, the allowed packages and a "
        "private temporary folder, no other processes; memory, processes, time and output are capped, and nothing "
        "outlives a submission. Tests and expected values stay outside."
    )

    def command(self, edition: Edition) -> tuple[list[str], dict[str, str]]:
        program = shutil.which("bwrap")
        if program is None:
            raise MachineFault("bubblewrap is not installed (Debian: apt-get install bubblewrap)")
        bind = []
        for place in ("/python", "/python/lib", "/python/bin", "/course", "/course/site", "/etc"):
            # Made by hand: as root, folders that bubblewrap makes on the way are closed to others.
            bind += ["--perms", "0755", "--dir", place]
        bind += ["--ro-bind", "/usr", "/usr"]
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            place = Path("/", name)
            if place.is_symlink():
                bind += ["--symlink", os.readlink(place), str(place)]
            elif place.is_dir():
                bind += ["--ro-bind", str(place), str(place)]
        for place in _masked():
            bind += ["--tmpfs", place]
        for place in ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/alternatives"):
            bind += ["--ro-bind-try", place, place]
        stdlib = sysconfig.get_path("stdlib")
        bind += ["--ro-bind", stdlib, f"/python/lib/{PYTHON}"]
        for name in ("site-packages", "dist-packages"):
            if Path(stdlib, name).is_dir():
                bind += ["--tmpfs", f"/python/lib/{PYTHON}/{name}"]
        for library in sorted(Path(sys.base_prefix, "lib").glob("libpython*.so*")):
            bind += ["--ro-bind", str(library.resolve()), f"/python/lib/{library.name}"]
        bind += ["--ro-bind", os.path.realpath(sys.executable), f"/python/bin/{PYTHON}"]
        bind += ["--ro-bind", str(edition.lib), "/course/lib"]
        for name, place in edition.packages:
            bind += ["--ro-bind", str(place), f"/course/site/{name}"]
        bind += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/"]
        apart = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if os.getuid() != 0:
            apart.append("--unshare-user")
        environment = _environment("/course/lib:/course/site", "/tmp") | {"LD_LIBRARY_PATH": "/python/lib"}
        python = [f"/python/bin/{PYTHON}", "-P", "-s", "-S", "-B"]
        return [program, *apart, "--hostname", "sandbox", *bind, "--chdir", "/", "--as-pid-1", *python], environment

    def request(self, edition: Edition, tmp: str) -> dict[str, Any]:
        return {"namespaces": True, "mounts": True, "tmp": "/tmp"}


def _masked() -> list[str]:
    """Folders under /usr that are no part of the system: somebody's own software, and Python packages."""
    masked = [Path("/usr/local"), Path("/usr/src"), *Path("/usr/lib").glob("python3*/dist-packages")]
    masked += [p for p in Path("/usr").glob("lib*/python3*/site-packages")]
    return [str(p) for p in masked if p.is_dir()]


# --- Landlock ---------------------------------------------------------------------------------------------------


class Landlock(Tier):
    """The kernel's own list of readable folders, where no other file tree can be had.

    ``python -m tests.attacks --tier landlock`` shows what holds. As an ordinary user with libseccomp: every attack
    but the fork bomb, which costs its own submission's score and nobody's secret.
    """

    name = "landlock"
    promise = (
        "Student code runs behind Landlock: no files but the system's, Python, the allowed packages and a private "
        "temporary folder; no sockets but local ones; memory, processes, time and output are capped. Tests and "
        "expected values stay outside. Weaker than bubblewrap: see `course doctor`."
    )
    weaknesses = (
        "names of other processes may be visible",
        "without libseccomp and before Linux 6.12, processes of the same user can be ended by student code",
        "the temporary folder's total size is limited by the disk",
        "unless root grades, processes are counted with the grader's own: a submission that forks without end is left "
        "ungraded, and may keep one that runs beside it from starting (then that is ungraded too; grade again)",
    )

    def command(self, edition: Edition) -> tuple[list[str], dict[str, str]]:
        environment = _environment(f"{edition.lib}:{edition.site}", tempfile.gettempdir())
        environment["IPYTHONDIR"] = str(edition.folder / ".ipython")
        return [os.path.realpath(sys.executable), "-P", "-s", "-S", "-B"], environment

    def another_user(self) -> bool:
        # Without a file tree of its own, another user must be able to reach Python where it lies.
        python = Path(sysconfig.get_path("stdlib")).resolve()
        return os.getuid() == 0 and all(p.stat().st_mode & 0o001 for p in [python, *python.parents])

    def request(self, edition: Edition, tmp: str) -> dict[str, Any]:
        return {"namespaces": False, "mounts": False, "tmp": tmp, "read": _readable(edition)}


def _readable(edition: Edition) -> list[str]:
    """For Landlock, which can only allow: no folder here may hold what must stay hidden."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    inner = [p for p in stdlib.iterdir() if p.name not in ("site-packages", "dist-packages")]
    libraries = [p for p in Path("/usr/lib").iterdir() if not p.name.startswith("python3")]
    system = [
        Path("/usr/bin"),
        Path("/usr/lib64"),
        Path("/lib64"),
        Path("/etc/ld.so.cache"),
        Path("/usr/share/zoneinfo"),
    ]
    python = [Path(os.path.realpath(sys.executable)), *Path(sys.base_prefix, "lib").glob("libpython*.so*")]
    places = [*inner, *libraries, *system, *python, edition.lib, edition.site, *(p for _, p in edition.packages)]
    return [str(p) for p in places] + ["/proc/self"]


class Limits(Landlock):
    """No walls around files: what is left where the kernel offers nothing, or is not Linux.

    ``python -m tests.attacks --tier limits`` shows what holds: verdicts cannot be forged or the grader ended, but files
    are read (nine attacks learn secrets) and a reference found on the disk earns full marks (two).
    """

    name = "limits"
    promise = (
        "Student code runs as an ordinary process with caps on memory, processes, time and output. Tests and expected "
        "values stay outside it, but it can READ FILES that its user can read. Grade only work you trust, or use a "
        "machine with bubblewrap."
    )
    weaknesses = (
        "files readable to the user are readable to student code: hidden tests, the gradebook, other submissions, the "
        "user's own files, and the environment of the user's other processes",
        "packages and references that lie on the disk can be run from there, and earn points",
        "without libseccomp the network can be reached, and processes of the same user can be ended",
        *Landlock.weaknesses[2:],
    )

    def request(self, edition: Edition, tmp: str) -> dict[str, Any]:
        return {"namespaces": False, "mounts": False, "tmp": tmp}


# --- choosing ---------------------------------------------------------------------------------------------------

TIERS: tuple[type[Tier], ...] = (Bubblewrap, Landlock, Limits)


@functools.cache
def has_seccomp() -> bool:
    try:
        confine.Filter()
    except (OSError, AttributeError):
        return False
    return True


@functools.cache
def trial(kind: type[Tier]) -> str:
    """Start this tier's fork server and let one fork shut itself in; "" if that works, else what went wrong."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    tier = kind()
    with tempfile.TemporaryDirectory(prefix="course-trial-") as folder:
        os.chmod(folder, 0o755)
        try:
            edition = make_edition(Path(folder), None, {}, ())
            control, server = tier.start(edition, shell=False)
        except (MachineFault, OSError) as error:
            return str(error)
        try:
            uid = first_uid(0) if tier.another_user() else None
            launch = Launch(control, tier.request(edition, ""), tier.needs_folder, Walls(), TRIAL_SECONDS, uid)
            Sandbox(launch, time.monotonic() + TRIAL_SECONDS).close()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            control.close()
            server.wait(TRIAL_SECONDS)
    return ""


def first_uid(turn: int) -> int:
    """A user nobody is, for the first sandbox of one submission; its later ones take the next numbers."""
    return (1 << 30) + (os.getpid() % (1 << 18) << 10) + turn % 32 * 32


def available_tiers() -> list[Tier]:
    """The tiers that work on this machine, strongest first."""
    return [kind() for kind in TIERS if trial(kind) == ""]


def strongest() -> Tier:
    """The first tier that works; weaker ones are not even tried."""
    for kind in TIERS:
        if trial(kind) == "":
            return kind()
    raise MachineFault(f"no way to run student code apart was found: {trial(TIERS[-1])}")


def describe() -> list[tuple[str, bool, str]]:
    """For `course doctor`: each tier, whether it works here, and its promise or what stands in its way."""

    def text(kind: type[Tier]) -> str:
        limits = f" Not promised: {'; '.join(kind.weaknesses)}." if kind.weaknesses else ""
        return kind.promise + limits

    rows = [(kind.name, not (why := trial(kind)), why or text(kind)) for kind in TIERS]
    seccomp = "dangerous system calls are refused" if has_seccomp() else "libseccomp.so.2 was not found"
    return [*rows, ("seccomp", has_seccomp(), seccomp)]
