"""The warm parents: a process that has everything imported, and forks when asked.

    python -m dojo.grading.zygote worker FD COURSE [demos] forks confined workers (torch loaded; no graders, no solutions)
    python -m dojo.grading.zygote judge FD COURSE FILE... forks judges (pytest has collected the graders FILE...)

FD is a Unix socket to the pool, on which JSON lines come: {"spawn": {...}} is answered with {"pid": ...} and the child's
end-points as passed file descriptors, {"kill": pid} is not answered. When the pool is gone, so is the zygote.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import secrets
import select
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

COURSE_USES = (
    "einops",
    "numpy.random",
    "scipy.optimize",
    "dojo.models",
    "dojo.transformer",
    "safetensors.torch",
    "tokenizers",
)
DEMOS_USE = ("dojo.show", "plotly.graph_objects")


def main(argv: list[str]) -> int:
    role, fd, root = argv[0], int(argv[1]), Path(argv[2])
    control = socket.socket(fileno=fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pool, which then hangs up
    if role == "judge":
        return _judge(control, root, argv[3:])
    return _worker(control, root, demos="demos" in argv[3:])


def _worker(control: socket.socket, root: Path, demos: bool) -> int:
    import torch

    torch.set_num_threads(1)  # before any operation: a forked child must not own, or wait for, a pool of threads
    from dojo.grading import sandbox, worker

    for name in (*COURSE_USES, *(DEMOS_USE if demos else ())):
        importlib.import_module(name)  # so that no child has to
    view = sandbox.view_for(root)
    worker.warm_up()
    jobs = secrets.randbelow(sandbox.UIDS)  # another zygote on this machine hands out other user ids

    def fork(job: dict, keep: list[int]) -> int:
        nonlocal jobs
        jobs += 1
        limits = sandbox.Limits(cpu_seconds=job["cpu_seconds"], memory_mb=job["memory_mb"])
        sock_fd = keep[0]

        def run(layers: list[str]) -> None:
            _only(keep)
            sock = socket.socket(fileno=sock_fd)
            sock.sendall((json.dumps(layers) + "\n").encode())
            worker.serve(sock)

        return sandbox.fork_confined(run, view, limits, jobs)

    try:
        fork_server(control, fork)
    finally:
        if view.scratch:
            shutil.rmtree(view.scratch, ignore_errors=True)
    return 0


def _judge(control: socket.socket, root: Path, files: list[str]) -> int:
    import pytest

    from dojo.grading import judge, local, plugin

    def loop(session: pytest.Session) -> None:
        def fork(job: dict, keep: list[int]) -> int:
            pid = os.fork()
            if pid:
                return pid
            try:
                _only(keep)
                resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
                judge.answer_one(session, socket.socket(fileno=keep[0]))
            except BaseException as error:
                os.write(2, f"dojo: a judge failed: {error!r}\n".encode())
                os._exit(70)
            os._exit(0)

        judge.warm_up(session, root)
        fork_server(control, fork)

    import torch

    torch.set_num_threads(1)
    torch.testing.assert_close(torch.ones(2), torch.ones(2))  # its first call imports 500 modules
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    paused = plugin.Paused(loop, root)
    code = int(pytest.main([*local.options(root), *files], plugins=[plugin, paused]))
    for text in paused.broken:
        sys.stderr.write(f"dojo: a grader could not be loaded:\n{text}\n")
    return code


def _only(keep: list[int]) -> None:
    """Leave the parent's signals behind, and every file descriptor but `keep`; the standard ones lead nowhere."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    highest = max(keep) + 1
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for fd in range(3, highest):
        if fd not in keep:
            with contextlib.suppress(OSError):
                os.close(fd)
    os.closerange(highest, 1024)


def fork_server(control: socket.socket, fork: Callable[[dict, list[int]], int]) -> None:
    """Fork on request until the control socket closes. Each child gets one end of a socket pair; the pool gets the other,
    and a pipe on which the child's exit status is told."""
    gc.collect()
    gc.freeze()
    children: dict[int, int] = {}  # pid -> the write end of its status pipe
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    lines = b""
    control.sendall(b'{"ready": true}\n')
    while True:
        readable, _, _ = select.select([control, wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
            _reap(children)
        if control in readable:
            part = control.recv(65536)
            if not part:
                break
            *whole, lines = (lines + part).split(b"\n")
            for line in whole:
                message = json.loads(line)
                if "kill" in message:
                    _kill(message["kill"], children)
                else:
                    _spawn(control, fork, message["spawn"], children)
    for pid in list(children):
        _kill(pid, children)


def _spawn(control: socket.socket, fork: Callable, job: dict, children: dict[int, int]) -> None:
    ours, theirs = socket.socketpair()
    status_read, status_write = os.pipe()
    pid = fork(job, [theirs.fileno()])
    children[pid] = status_write
    socket.send_fds(control, [json.dumps({"pid": pid}).encode() + b"\n"], [ours.fileno(), status_read])
    ours.close()
    theirs.close()
    os.close(status_read)


def _kill(pid: int, children: dict[int, int]) -> None:
    if pid in children:  # only a child that is not reaped yet: its pid cannot have been given to another process
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _reap(children: dict[int, int]) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        pipe = children.pop(pid, None)
        if pipe is not None:
            with contextlib.suppress(OSError):
                os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(pipe)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
