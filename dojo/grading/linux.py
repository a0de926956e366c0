"""The few Linux calls that Python lacks: clone with namespaces, mounts, Landlock, capabilities, seccomp.

Each function raises OSError where the kernel refuses; `dojo.grading.sandbox` decides what to do then.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import struct
from pathlib import Path

try:
    import pyseccomp as sc  # here, not in `seccomp`: inside the sandbox the library can no longer be looked up
except (ImportError, RuntimeError, OSError):
    sc = None

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

_SYSCALLS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "capset": 126},
    "aarch64": {"clone": 220, "pivot_root": 41, "capset": 91},
}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same number on every architecture


def _libc() -> ctypes.PyDLL:
    return ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps the GIL: no other thread runs between clone and its return


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _syscall(name: str) -> int:
    try:
        return _SYSCALLS[platform.machine()][name]
    except KeyError:
        raise OSError(f"the system call {name} is not known on {platform.machine()}") from None


def clone(flags: int) -> int:
    """fork() into new namespaces with a single call: 0 in the child, its pid in the parent. For single-threaded processes."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    pid = _libc().syscall(_syscall("clone"), ctypes.c_ulong(flags | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    error = ctypes.get_errno()
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, f"clone: {os.strerror(error)}")
    return pid


def prctl(option: int, value: int) -> None:
    _check(_libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def map_own_user(uid: int, gid: int) -> None:
    """In a new user namespace: be who we were, so that files keep their owner."""
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    arguments = [source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()]
    _check(_libc().mount(*arguments), f"mount {target}")


def bind_read_only(source: str, target: str) -> None:
    """Show `source` at `target`, read only. Flags that the source's file system locks are kept."""
    mount(source, target, "", MS_BIND | MS_REC)
    kept = os.statvfs(target).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_RELATIME)
    mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | kept)


def enter_root(new_root: str) -> None:
    """Make `new_root` the root directory and let go of the old one."""
    os.chdir(new_root)
    _check(_libc().syscall(_syscall("pivot_root"), b".", b"."), "pivot_root")
    _check(_libc().umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def drop_capabilities() -> None:
    header = struct.pack("Ii", 0x20080522, 0)
    _check(_libc().syscall(_syscall("capset"), header, bytes(24)), "capset")


def landlock_abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    return max(0, _libc().syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def landlock(readable: list[str], writable: list[str]) -> None:
    """From here on: read only below `readable`, write only below `writable`, no TCP, no signal out of this domain."""
    abi = landlock_abi()
    if abi < 1:
        raise OSError("this kernel has no Landlock")
    read = 0b1101  # execute, read file, read directory
    handled = (1 << 13) - 1 | (1 << 13 if abi >= 2 else 0) | (1 << 14 if abi >= 3 else 0) | (1 << 15 if abi >= 5 else 0)
    rules = struct.pack("QQQ", handled, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    rules = rules[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _check(_libc().syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0), "landlock")
    try:
        for paths, access in ((readable, read), (writable, handled)):
            for path in paths:
                _allow_beneath(ruleset, path, access)
        _check(_libc().syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


def _allow_beneath(ruleset: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what cannot be opened need not be allowed
    try:
        if not os.path.isdir(path):
            access &= 0b101 | 0b10 | 1 << 14  # what makes sense on a file: execute, read, write, truncate
        rule = struct.pack("=Qi", access, fd)
        _check(_libc().syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), f"landlock {path}")
    finally:
        os.close(fd)


DENIED = [
    "fork",
    "vfork",
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kill",
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
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
    "memfd_create",
    "memfd_secret",
    "shmget",
    "shmat",
    "msgget",
    "semget",
    "mq_open",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "syslog",
    "personality",
    "modify_ldt",
    "ioperm",
    "iopl",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_init",
    "inotify_init",
    "inotify_init1",
    "lookup_dcookie",
    "vhangup",
    "nfsservctl",
    "uselib",
    "ustat",
    "sysfs",
    "setrlimit",
    "prlimit64",
    "mknod",
    "mknodat",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    "setsid",
    "setpgid",
    "setpriority",
    "sched_setaffinity",
    "sched_setscheduler",
    "sched_setattr",
    "sched_setparam",
    "ioprio_set",
]


def seccomp(own_pid: int) -> None:
    """Forbid what no exercise needs: new processes, other programs, sockets, other processes' memory, mounts, unaccounted
    memory. A forbidden call fails with EPERM; clone3 with ENOSYS, so that the C library falls back to clone for threads."""
    if sc is None:
        raise OSError("libseccomp is not there")
    rules = sc.SyscallFilter(defaction=sc.ALLOW)
    eperm, clone_thread = sc.ERRNO(errno.EPERM), 0x00010000
    for name in DENIED:
        with contextlib.suppress(ValueError, RuntimeError, OSError):  # not every call exists on every architecture
            rules.add_rule(eperm, name)
    rules.add_rule(eperm, "prctl", sc.Arg(0, sc.EQ, PR_SET_PDEATHSIG))  # it ends with the process that started it
    rules.add_rule(eperm, "clone", sc.Arg(0, sc.MASKED_EQ, clone_thread, 0))
    rules.add_rule(sc.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(eperm, "tgkill", sc.Arg(0, sc.NE, own_pid))
    shared_anonymous = 0x21
    rules.add_rule(eperm, "mmap", sc.Arg(3, sc.MASKED_EQ, shared_anonymous, shared_anonymous))
    rules.load()
