"""`dojo doctor`: is the sandbox in force? Found out by trying to break out of a real one, not by reading the platform's name."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from dojo.course import find_root

from . import bench, parent, rpc, sandbox, wire


@dataclass(frozen=True)
class Check:
    """One finding. `ok` is None where it is information only."""

    name: str
    ok: bool | None
    detail: str


PROBES = """
import ctypes, os, socket, threading

def attempt(action):
    try:
        return str(action())[:200]
    except BaseException as error:
        return None

def probe(secrets, home, outside_pid, scratch_name):
    import subprocess
    def write_beside(path):
        with open(os.path.join(path, scratch_name), "w") as file:
            file.write("x")
        return path
    def fork():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        return pid
    def grow():
        return len(bytearray(64 * 2**30))
    libc = ctypes.CDLL(None)
    def traced():
        if libc.ptrace(16, outside_pid, 0, 0) != 0:
            raise OSError
        return "attached"
    return {
        "read the solutions and graders": [attempt(lambda p=p: os.listdir(p)) for p in secrets],
        "read the home folder": [attempt(lambda: os.listdir(home))],
        "write outside its scratch folder": [attempt(lambda p=p: write_beside(p)) for p in [*secrets, home, "/", "/usr/lib"]],
        "open a network socket": [attempt(lambda: socket.socket())],
        "start a process": [attempt(fork), attempt(lambda: subprocess.run(["true"]))],
        "signal another process": [attempt(lambda: os.kill(outside_pid, 0))],
        "trace another process": [attempt(traced)],
        "take 64 GB of memory": [attempt(grow)],
    }
"""


def report(course_root: Path | None = None) -> list[Check]:
    """Versions first, then the sandbox: its level, and what came of each attempt to break out of it."""
    course_root = course_root or find_root()
    found = [Check("Python", None, f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    for name in ("torch", "transformers", "streamlit", "pytest"):
        found.append(Check(name, None, importlib.metadata.version(name)))
    return [*found, *sandbox_report(course_root)]


def sandbox_report(course_root: Path) -> list[Check]:
    if not hasattr(os, "fork"):
        return [Check("sandbox", False, "this platform cannot fork: use the notebooks")]
    zygote = parent.Zygote("worker", course_root, [])
    started = time.monotonic()
    try:
        child = zygote.spawn(parent.usual_job())
        layers = parent.read_layers(child)
    except parent.GraderError as error:
        return [Check("sandbox", False, str(error))]
    try:
        level = sandbox.level(layers)
        found = [Check("sandbox", not level.startswith("L0"), f"{level} (warm in {time.monotonic() - started:.1f} s)")]
        return [*found, *_break_out(child, course_root)]
    finally:
        zygote.kill(child)
        zygote.stop()


def _break_out(child: parent.Child, course_root: Path) -> list[Check]:
    endpoint = bench.JudgeEndpoint(lambda: bench.reason_of_death(child.status), 20)
    channel = wire.Channel(child.sock, bench.ANSWER_CAP)
    channel.deadline = time.monotonic() + 20
    rpc.connect(endpoint, channel)
    secrets = [str(course_root / "solutions"), str(course_root / "graders")]
    try:
        endpoint.ask("load", [["probes", PROBES, 1]])
        module = rpc.Remote(endpoint, wire.Handle(0, "module", "module"))
        got = module.probe(secrets, os.path.expanduser("~"), os.getpid(), f"dojo-probe-{os.getpid()}")
    except (bench.Stopped, rpc.RemoteError) as error:
        return [Check("break-out test", False, f"could not be finished: {error}")]
    return [_verdict(name, [a for a in attempts if a is not None]) for name, attempts in got.items()]


def _verdict(name: str, came_through: list[str]) -> Check:
    detail = "refused" if not came_through else f"SUCCEEDED ({came_through[0]})"
    return Check(f"can learner code {name}?", not came_through, detail)
