"""Shut a freshly forked, single-threaded process in, by system calls, before it runs a line of a student's code.

What one fork needs beyond the sandbox its server already runs in: namespaces of its own (processes, network, shared
memory, mounts), private temporary folders, limits, another user, and a list of system calls that are refused. Each
layer is asked for by name in the request, and one that fails raises: a layer is never skipped in silence.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from typing import Any

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, REC, PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
EPERM, ENOSYS = 1, 38

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(kind: bytes | None, target: str, flags: int, data: str | None = None) -> None:
    options = None if data is None else data.encode()
    _check(_libc.mount(kind or b"none", target.encode(), kind, ctypes.c_ulong(flags), options), f"mount {target}")


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


# --- namespaces -------------------------------------------------------------------------------------------------


def unshare() -> None:
    """New namespaces for this process's next child; its own user namespace too, where it is not root."""
    flags = NEWNS | NEWPID | NEWIPC | NEWUTS | NEWNET
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _check(_libc.unshare(flags), "unshare")
        return
    _check(_libc.unshare(flags | NEWUSER), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def private_mounts(tmp_mb: int) -> None:
    """Empty temporary folders of a fixed size, terminals and /proc of this process's own namespaces."""
    _mount(None, "/", PRIVATE | REC)
    _mount(b"tmpfs", "/tmp", NOSUID | NODEV, f"size={tmp_mb}m,nr_inodes=16384,mode=1777")
    if os.path.isdir("/dev/shm"):
        _mount(b"tmpfs", "/dev/shm", NOSUID | NODEV | NOEXEC, f"size={tmp_mb}m,nr_inodes=4096,mode=1777")
    if os.path.isdir("/dev/pts"):
        _mount(b"devpts", "/dev/pts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    try:
        _mount(b"proc", "/proc", NOSUID | NODEV | NOEXEC, "subset=pid")
    except OSError:
        # Kernels before 5.8 do not know the option; the namespace still shows no process but these.
        _mount(b"proc", "/proc", NOSUID | NODEV | NOEXEC)


# --- limits and privileges --------------------------------------------------------------------------------------

LIMITS = {
    "core": resource.RLIMIT_CORE,
    "files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "cpu_seconds": resource.RLIMIT_CPU,
    "file_bytes": resource.RLIMIT_FSIZE,
    "memory_bytes": resource.RLIMIT_DATA,
}


def limit(values: dict[str, int]) -> None:
    for name, value in values.items():
        hard = resource.getrlimit(LIMITS[name])[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(LIMITS[name], (most, most))


def drop_privileges(uid: int | None) -> None:
    """Become `uid` if root (a limit on processes does not bind root), and give up every capability for good."""
    if os.getuid() == 0 and uid is not None:
        for capability in range(64):
            if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                break
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, b"\0" * 24), "capset")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


# --- system calls that are refused ------------------------------------------------------------------------------

REFUSED = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_tree",
    "move_mount",
    "mount_setattr",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "open_by_handle_at",
    "name_to_handle_at",
    "fanotify_init",
    "syslog",
    "vhangup",
    "personality",
    # Two submissions see the same read-only files, and could tell each other things by locking or watching them.
    "flock",
    "inotify_init",
    "inotify_init1",
    "inotify_add_watch",
]

FILE_LOCKS = (5, 6, 7, 36, 37, 38, 1024, 1025, 1026)
"""Commands of fcntl: get, set and wait for a lock, of a process and of an open file; leases; notices of a folder."""

SIGNALLING = ("kill", "tkill", "tgkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo")

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NOT_EQUAL, _EQUAL, _MASKED_EQUAL = 1, 4, 7
_AF_UNIX = 1


class _Comparison(ctypes.Structure):
    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


class Filter:
    """A seccomp filter through libseccomp, which knows the numbers of system calls on every processor."""

    def __init__(self, *, signals: bool = True) -> None:
        """Without `signals` no process may be sent one: needed where others of the same user can be seen."""
        self._lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(_ALLOW)))
        if not self._context:
            raise OSError("libseccomp could not make a filter")
        for name in REFUSED:
            self._refuse(name, EPERM)
        for name in () if signals else SIGNALLING:
            self._refuse(name, EPERM)
        # The C library tries clone3 first, whose flags a filter cannot see; told that it is unknown, it uses clone.
        self._refuse("clone3", ENOSYS)
        self._refuse("clone", EPERM, _Comparison(0, _MASKED_EQUAL, NEWUSER, NEWUSER))
        self._refuse("socket", EPERM, _Comparison(0, _NOT_EQUAL, _AF_UNIX, 0))
        for command in FILE_LOCKS:
            self._refuse("fcntl", EPERM, _Comparison(1, _EQUAL, command, 0))

    def _refuse(self, name: str, errno: int, *comparisons: _Comparison) -> None:
        number = self._lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not a system call of this kernel or processor
        array = (_Comparison * max(1, len(comparisons)))(*comparisons)
        result = self._lib.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(_ERRNO | errno), number, len(comparisons), array
        )
        if result != 0:
            raise OSError(-result, f"libseccomp refused a rule for {name}")

    def load(self) -> None:
        result = self._lib.seccomp_load(self._context)
        if result != 0:
            raise OSError(-result, "the filter of system calls could not be loaded")


# --- Landlock: which files may be seen, where namespaces are not to be had ----------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE, _READ, _READ_DIR, _TRUNCATE, _IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL


def landlock_version() -> int:
    """0 where the kernel has none."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def landlock(read: list[str], write: list[str]) -> None:
    """From now on this process and its children see `read` and may change `write`; nothing else, and no TCP."""
    version = landlock_version()
    if version < 1:
        raise OSError(ENOSYS, "this kernel has no Landlock")
    rights = (1 << 13) - 1
    rights |= (1 << 13) if version >= 2 else 0
    rights |= _TRUNCATE if version >= 3 else 0
    rights |= _IOCTL if version >= 5 else 0
    network = 3 if version >= 4 else 0
    scopes = 3 if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("=QQQ", rights, network, scopes)[:size]
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    _check(0 if ruleset >= 0 else -1, "landlock_create_ruleset")
    reading = _EXECUTE | _READ | _READ_DIR
    devices = [f"/dev/{name}" for name in ("null", "zero", "random", "urandom")]
    wanted = (
        [(p, reading) for p in read] + [(p, rights & ~_EXECUTE) for p in write] + [(p, _READ | _WRITE) for p in devices]
    )
    for path, access in wanted:
        if not os.path.exists(path):
            continue
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        access &= rights if os.path.isdir(path) else rights & _ON_FILES
        rule = struct.pack("=Qi", access, handle)
        _check(_libc.syscall(_ADD_RULE, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
        os.close(handle)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


# --- the whole of it --------------------------------------------------------------------------------------------


def guard_init(subreaper: bool) -> None:
    """For the process that only waits: nobody may look into it, and orphans become its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _prctl(PR_SET_DUMPABLE, 0)
    if subreaper:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def make_ordinary() -> None:
    """The student's own process may look at itself again: tools that read /proc/self expect it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _prctl(PR_SET_DUMPABLE, 1)


def lock(request: dict[str, Any], syscalls: Filter | None) -> None:
    """The layers that come after the namespaces, in the only order in which they can be laid."""
    if request.get("mounts"):
        private_mounts(request["tmp_mb"])
    limit(request["limits"])
    if "read" in request:
        landlock(request["read"], [request["tmp"], "/dev/shm"] if request.get("mounts") else [request["tmp"]])
    drop_privileges(request.get("uid"))
    if syscalls is not None:
        syscalls.load()
