"""Confining the process that runs a learner's code.

1. `fork_confined` clones into new process, network, IPC and mount namespaces, as many as the machine grants.
2. The child builds a root directory that holds the Python installation, the shipped models and an empty /tmp, and nothing else.
3. It lowers its limits, gives up its user id and capabilities, closes Landlock and seccomp behind it.
4. It measures what is in force by trying to break out, and says so. Nothing is assumed from the platform's name.

Levels: L0 a process of its own with limits (practice, not for marks); L1 + no_new_privs, Landlock, seccomp;
L2 + namespaces and a root of its own; L3 + a user id of its own for every job (needs root).
"""

from __future__ import annotations

import os
import resource
import site
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import linux

SCRATCH_MB = 64
SCRATCH_FILES = 2_000
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
FIRST_UID, UIDS = 2_000_000_000, 100_000_000
LEVELS = {
    0: "L0 own process with limits only: for practice, not for marks",
    1: "L1 Landlock and seccomp",
    2: "L2 namespaces, Landlock and seccomp",
    3: "L3 namespaces, Landlock, seccomp and a user id of its own",
}


@dataclass(frozen=True)
class Limits:
    cpu_seconds: int = 12
    memory_mb: int = 2048
    file_mb: int = 16
    open_files: int = 128
    threads: int = 64


@dataclass(frozen=True)
class View:
    """What the confined process may see: `readable` folders, less the `hidden` ones inside them, plus the `shown` ones inside
    those. `secrets` are the folders on which the confinement is tried out. `scratch` is the folder in which children make theirs
    where they cannot have a /tmp of their own; whoever made the view removes it."""

    readable: tuple[str, ...]
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    secrets: tuple[str, ...]
    scratch: str = ""


def view_for(course_root: Path) -> View:
    """The Python installation and the shipped models; never solutions, graders, progress, the home folder or the checkout."""
    package = Path(__file__).resolve().parents[1]
    wanted = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), *sysconfig.get_paths().values()]
    wanted += ["/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64", "/etc/ld.so.cache"]
    wanted += [os.path.dirname(os.path.dirname(torch.__file__))]  # wherever PYTHONPATH found it
    models = str(course_root / "models")
    wanted += [str(package), models]
    readable = sorted({os.path.realpath(p) for p in wanted if os.path.exists(p)} - {"/", "/usr"})
    outer = [p for p in readable if not any(p != q and p.startswith(q + "/") for q in readable)]
    hidden = [package / "_course", package / "_site", *(course_root / d for d in ("solutions", "graders", "chapters"))]
    inside = [str(h) for h in hidden if h.exists() and any(str(h).startswith(p + "/") for p in outer)]
    innermost = tuple(h for h in inside if not any(h != i and h.startswith(i + "/") for i in inside))
    secrets = (str(course_root / "solutions"), str(course_root / "graders"))
    shown = tuple(m for m in [models] if any(m.startswith(h + "/") for h in innermost))
    scratch = "" if _namespaces() else tempfile.mkdtemp(prefix="dojo-")
    return View(tuple(outer), innermost, shown, secrets, scratch)


def fork_confined(run: Callable[[list[str]], None], view: View, limits: Limits, job: int) -> int:
    """Fork a child that confines itself and then calls `run(layers)`, where `layers` names what is in force; return its pid.

    The caller must be single-threaded. The child never returns from this function.
    """
    root = os.geteuid() == 0
    uid, gid = os.getuid(), os.getgid()
    flags = _namespaces()
    pid = linux.clone(flags) if flags else os.fork()
    if pid:
        return pid
    try:
        if flags & linux.CLONE_NEWUSER:
            linux.map_own_user(uid, gid)
        layers = confine(view, limits, FIRST_UID + job % UIDS if root else None, flags)
        run(layers)
    except BaseException as error:
        sys.stderr.write(f"dojo: a sandboxed process could not start: {error}\n")
        os._exit(70)
    os._exit(0)


_granted: int | None = None


def _namespaces() -> int:
    """The namespaces that this machine grants, found by cloning into them once."""
    global _granted
    if _granted is None:
        everything = (
            linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWNS | linux.CLONE_NEWUTS
        )
        attempt = everything if os.geteuid() == 0 else everything | linux.CLONE_NEWUSER
        _granted = attempt if sys.platform == "linux" and _can_clone(attempt) else 0
    return _granted


def _can_clone(flags: int) -> bool:
    uid, gid = os.getuid(), os.getgid()
    try:
        pid = linux.clone(flags)
    except OSError:
        return False
    if pid == 0:
        try:
            if flags & linux.CLONE_NEWUSER:
                linux.map_own_user(uid, gid)
            linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
            linux.mount("tmpfs", "/tmp", "tmpfs", 0)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def confine(view: View, limits: Limits, uid: int | None, flags: int) -> list[str]:
    """Close every door that this machine can close on the current process; return the names of those that are shut.

    `uid` is a user id to become (root only), `flags` the namespaces that the process was cloned into.
    """
    layers = ["limits"]
    _set_limits(limits)
    writable, readable = ["/tmp", *DEVICES], [*view.readable]
    if flags:
        _own_root(view, uid)
        layers.append("namespaces")
    else:
        writable, readable = [_scratch(view), *DEVICES], _around(view)
    if uid is not None and flags:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        layers.append("own uid")
    if sys.platform != "linux":
        return layers
    linux.prctl(linux.PR_SET_PDEATHSIG, 9)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    if flags and uid is None:
        linux.drop_capabilities()
    for name, close in (
        ("Landlock", lambda: linux.landlock(readable, writable)),
        ("seccomp", lambda: linux.seccomp(os.getpid())),
    ):
        try:
            close()
            layers.append(name)
        except OSError:
            continue
    if not any(_can_list(secret) for secret in view.secrets) and no_network_at_all():
        layers.append("tried")
    return layers


def level(layers: list[str]) -> str:
    """The isolation level that `layers` amount to, as a sentence for verdicts."""
    if "tried" not in layers or "seccomp" not in layers:
        return LEVELS[0]
    if "namespaces" not in layers:
        return LEVELS[1]
    text = LEVELS[3 if "own uid" in layers else 2]
    return text if "Landlock" in layers else text.replace("Landlock, ", "").replace(", Landlock", "")


def _own_root(view: View, uid: int | None) -> None:
    """Replace the root directory by one that holds `view`, four devices and an empty /tmp of bounded size."""
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    new = "/proc"  # a folder that is always there and under which nothing that we want to show can lie
    linux.mount("tmpfs", new, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    os.mkdir(f"{new}/tmp")
    owner = f",uid={uid},gid={uid}" if uid is not None else ""
    bounds = f"size={SCRATCH_MB}m,nr_inodes={SCRATCH_FILES},mode=700{owner}"
    linux.mount("tmpfs", f"{new}/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, bounds)
    for path in (*view.readable, *DEVICES):
        _place(path, new)
    for path in view.hidden:
        linux.mount("tmpfs", new + path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=16k,mode=755")
    for path in view.shown:
        _place(path, new)
    for path in view.hidden:
        linux.mount("", new + path, "", linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
    linux.mount("", new, "", linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
    linux.enter_root(new)
    os.chdir("/tmp")


def _place(path: str, new: str) -> None:
    target = new + path
    if os.path.isdir(path):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        Path(target).touch()
    if path.startswith("/dev/"):
        linux.mount(path, target, "", linux.MS_BIND)
    else:
        linux.bind_read_only(path, target)


def _around(view: View) -> list[str]:
    """`view.readable` with the hidden folders left out: Landlock can only allow, so their siblings are allowed one by one."""
    allowed = list(view.readable)  # `shown` is added last: it lies inside what is left out
    for hidden in view.hidden:
        for parent in [p for p in allowed if hidden.startswith(p + "/")]:
            allowed.remove(parent)
            while parent != hidden:
                step = parent + "/" + hidden[len(parent) + 1 :].split("/")[0]
                allowed += [e.path for e in os.scandir(parent) if e.path != step]
                parent = step
    return [*allowed, *view.shown]


def _scratch(view: View) -> str:
    folder = tempfile.mkdtemp(dir=view.scratch)
    os.chdir(folder)
    return folder


def _set_limits(limits: Limits) -> None:
    memory = limits.memory_mb * 2**20
    virtual = _virtual_size() + memory
    hard = {
        resource.RLIMIT_CPU: (limits.cpu_seconds, limits.cpu_seconds + 1),
        resource.RLIMIT_DATA: (memory, memory),
        resource.RLIMIT_AS: (virtual, virtual),
        resource.RLIMIT_FSIZE: (limits.file_mb * 2**20, limits.file_mb * 2**20),
        resource.RLIMIT_NOFILE: (limits.open_files, limits.open_files),
        resource.RLIMIT_CORE: (0, 0),
    }
    if sys.platform == "darwin":
        hard.pop(resource.RLIMIT_AS)
    for which, pair in hard.items():
        resource.setrlimit(which, pair)
    if os.geteuid() == 0 or _namespaces():  # elsewhere the count is over all of the user's processes
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.threads, limits.threads))


def _virtual_size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 8 * 2**30


def _can_list(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def no_network_at_all() -> bool:
    """Whether this process cannot even make a socket to leave the machine by."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # a documentation address; connecting a datagram socket sends nothing
        return False
    except OSError:
        return True
