"""The learner's side of the wire: a module made of their code, and the few operations that a judge needs on it.

Everything here runs in the learner's process, so nothing here is trusted: it exists to make honest code comfortable.
In a sandboxed worker `serve` is entered after the sandbox has closed; in a notebook the same endpoint wraps live names.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from . import rpc, wire

PRINT_CAP = 64 * 1024
REQUEST_CAP = 256 * 2**20
LEARNER_FILE = "<learner:"


class Printed(io.TextIOBase):
    """Keeps what was printed, up to a cap; the rest is counted, not kept."""

    def __init__(self, cap: int = PRINT_CAP) -> None:
        self.cap, self.parts, self.size, self.dropped = cap, [], 0, 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        kept = text[: max(0, self.cap - self.size)]
        self.parts.append(kept) if kept else None
        self.size += len(kept)
        self.dropped += len(text) - len(kept)
        return len(text)

    def take(self) -> dict:
        text = "".join(self.parts).encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
        taken = {"text": text, "dropped": self.dropped}
        self.parts, self.size, self.dropped = [], 0, 0
        return taken


def learner_endpoint(namespace: dict[str, Any] | None = None) -> rpc.Endpoint:
    """An endpoint whose root is a module with the learner's names; `namespace` gives live ones."""
    module = types.ModuleType("submission")
    if namespace is not None:
        module.__dict__.update(namespace)
    endpoint = rpc.Endpoint(module, own_frames=lambda name: name.startswith(LEARNER_FILE) or "ipykernel" in name)
    printed = Printed()

    def load(chunks: list) -> dict:
        """Run each chunk [name, source, first line] in the module; a chunk that raises is reported, the next still runs."""
        sys.modules["submission"] = module
        errors = []
        for name, source, line in chunks:
            try:
                run(module.__dict__, name, source, line)
            except BaseException as error:
                errors.append([name, endpoint._describe(error)])
        return {"errors": errors, "names": [n for n in module.__dict__ if not n.startswith("__")]}

    def kit(source: str, filename: str) -> types.ModuleType:
        kit_module = types.ModuleType("kit")
        sys.modules["kit"] = kit_module
        exec(compile(source, filename, "exec"), kit_module.__dict__)
        return kit_module

    def demo(code: str, emit: Callable[[dict], None]) -> None:
        from dojo import show

        show.sink = emit
        run_cell(module.__dict__, "demo", code, show.display)

    def quiet(operation):
        def wrapped(*args):
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                return operation(*args)

        return wrapped

    endpoint.operations |= {"load": load, "kit": kit, "demo": demo, "seed": seed_everything}
    endpoint.operations = {op: quiet(operation) for op, operation in endpoint.operations.items()}
    endpoint.operations["printed"] = printed.take
    return endpoint


def run(namespace: dict, name: str, source: str, line: int = 1) -> None:
    """Execute learner source so that its tracebacks show its own lines."""
    exec(compile_named(name, source, line, "exec"), namespace)


def run_cell(namespace: dict, name: str, source: str, display) -> None:
    """Execute a cell as a notebook does: the value of a last bare expression is displayed."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, remember(name, source), "exec"), namespace)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), remember(name, source), "eval"), namespace)
        if value is not None:
            display(value)


def compile_named(name: str, source: str, line: int, mode: str):
    return compile("\n" * (line - 1) + source, remember(name, source, line), mode)


def remember(name: str, source: str, line: int = 1) -> str:
    """Let linecache (tracebacks, inspect.getsource) find the source under a name that marks it as the learner's."""
    filename = f"{LEARNER_FILE}{name}>"
    lines = ["\n"] * (line - 1) + source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    return filename


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(
        seed
    )  # torch.manual_seed would also note a stack trace for absent GPUs, 2 ms a call


WARM_UP = """
import math
import torch
import torch.nn.functional as F
from torch import nn


class Warm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 4))

    def forward(self, x):
        return F.gelu(torch.einsum("bi,ij->bj", x, self.weight)).softmax(-1).cumsum(-1)


def warm(x):
    model = Warm()
    loss = model(x).log().square().mean() / math.sqrt(2)
    loss.backward()
    torch.optim.AdamW(model.parameters()).step()
    return {"loss": loss, "masked": x.masked_fill(torch.triu(torch.ones(2, 3, dtype=torch.bool), 1), float("-inf")).sort(-1)[0]}
"""


def warm_up() -> None:
    """Go once through what every grading does, so that no forked child has to import, compile or allocate it first."""
    judge, learner = rpc.Endpoint(only_calls=True), learner_endpoint()
    rpc.pair(judge, learner)
    judge.ask("load", [["warm-up", WARM_UP, 1]])
    judge.ask("seed", 1)
    judge.ask("call", judge.ask("get", 0, "warm")._handle.id, [torch.ones(2, 3)], {})
    judge.ask("printed")
    del sys.modules["submission"]


def serve(sock) -> None:
    """Answer the judge until it hangs up. Called in a fresh, already confined process."""
    rpc.serve(learner_endpoint(), wire.Channel(sock, REQUEST_CAP))
