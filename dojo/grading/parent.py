"""A zygote as the pool sees it: a warm process of ours that forks on request, and is started again when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

WARM_UP_SECONDS = 180.0


class GraderError(RuntimeError):
    """The grading service itself failed: the text says what to do."""


@dataclass
class Child:
    pid: int
    sock: socket.socket
    status: int
    layers: list[str] = field(default_factory=list)


class Zygote:
    """A warm parent process and its control socket."""

    def __init__(self, role: str, root: Path, files: list[str]) -> None:
        self.role, self.root, self.files = role, root, files
        self.lock = threading.Lock()
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start importing; `spawn` waits until it is ready."""
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-m",
            "dojo.grading.zygote",
            self.role,
            str(theirs.fileno()),
            str(self.root),
            *self.files,
        ]
        self.log = open(os.devnull, "w") if not os.environ.get("DOJO_DEBUG") else sys.stderr  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=_environment(),
        )
        theirs.close()
        self.sock, self.ready = ours, False

    def spawn(self, job: dict) -> Child:
        with self.lock:
            for attempt in (1, 2):
                try:
                    return self._spawn(job)
                except (OSError, ValueError) as error:
                    self.stop()
                    if attempt == 2:
                        raise GraderError(
                            f"The {self.role} process could not be started ({error}). Run `dojo doctor` to see what is wrong."
                        ) from error
            raise AssertionError

    def _spawn(self, job: dict) -> Child:
        if self.process is None or self.process.poll() is not None:
            self.start()
        if not self.ready:
            self.sock.settimeout(WARM_UP_SECONDS)
            self._line()
            self.ready = True
        self.sock.settimeout(30)
        self.sock.sendall(json.dumps({"spawn": job}).encode() + b"\n")
        data, fds, _, _ = socket.recv_fds(self.sock, 4096, 2)
        if not data:
            raise OSError("it ended while starting")
        return Child(json.loads(data)["pid"], socket.socket(fileno=fds[0]), fds[1])

    def _line(self) -> None:
        while True:
            part = self.sock.recv(1)
            if not part:
                raise OSError("it ended while starting")
            if part == b"\n":
                return

    def kill(self, child: Child) -> None:
        with self.lock, contextlib.suppress(OSError):
            self.sock.sendall(json.dumps({"kill": child.pid}).encode() + b"\n")
        child.sock.close()
        os.close(child.status)

    def stop(self) -> None:
        if self.process is None:
            return
        self.sock.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def read_layers(child: Child) -> list[str]:
    """What a new worker says of its confinement, once it is confined."""
    child.sock.settimeout(30)
    line = b""
    while not line.endswith(b"\n"):
        part = child.sock.recv(1)
        if not part:
            raise GraderError("A sandboxed process could not be started. Run `dojo doctor` to see why.")
        line += part
    return json.loads(line)


def usual_job() -> dict:
    return {"cpu_seconds": 12, "memory_mb": 2048}


def has_ended(child: Child) -> bool:
    return bool(select.select([child.status], [], [], 0)[0])


def _environment() -> dict[str, str]:
    """What zygotes inherit: nothing that a learner's code should not read."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k in ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "DOJO_DEBUG")
    }
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    return (
        kept
        | one
        | {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    )
