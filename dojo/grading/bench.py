"""What one grading works on: the learner's module behind the wire, the seed, and what has happened so far.

The fixtures in `plugin` read the bench that the judge has put on the pytest configuration.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from . import rpc, wire, worker
from .comparison import Mismatch, compare, show
from .verdict import TestResult

ANSWER_CAP = 16 * 2**20


class Stopped(Exception):
    """The learner's process reached a limit or ended: nothing more can be asked of it. The text is for the learner."""


class Missing(Exception):
    """The submission does not define what was asked for."""


@dataclass
class Bench:
    chapter: str
    exercise: str
    endpoint: JudgeEndpoint
    reference: ModuleType
    kit_path: Path
    seed: int
    results: list[TestResult] = field(default_factory=list)
    errors: list[BaseException | None] = field(default_factory=list)  # one an entry of `results`
    traces: dict[str, list] = field(default_factory=dict)  # what came back during each test
    kit: rpc.Remote | None = None

    @property
    def module(self) -> rpc.Remote:
        return rpc.Remote(self.endpoint, wire.Handle(0, "submission", "module"))

    def load_kit(self) -> rpc.Remote:
        """The chapter's kit.py on the learner's side, loaded once."""
        if self.kit is None:
            with self.endpoint.untraced():
                self.kit = self.endpoint.ask("kit", self.kit_path.read_text(encoding="utf-8"), self.kit_path.name)
        assert self.kit is not None
        return self.kit

    def test_seed(self, nodeid: str) -> int:
        name = nodeid.rpartition("/")[2]
        return int.from_bytes(hashlib.sha256(f"{self.seed}:{name}".encode()).digest()[:6], "big")


class JudgeEndpoint(rpc.Endpoint):
    """The judge's end: the learner's side may only call what it was handed; a change of an argument in place is an error;
    a peer that dies, dawdles or babbles ends the grading with a sentence."""

    def __init__(
        self, why_closed: Callable[[], str] = lambda: "Your code ended its process.", seconds: float = 0
    ) -> None:
        super().__init__(only_calls=True)
        self.why_closed, self.seconds = why_closed, seconds
        self.stopped: Stopped | None = None
        self.orphaned = False

    def ask(self, op: str, *args: Any, label: str = "") -> Any:
        if self.stopped:
            raise self.stopped
        try:
            value = super().ask(op, *args, label=label)
        except wire.Late:
            self.stopped = Stopped(f"Stopped after {self.seconds:g} s: is there a loop that never ends?")
        except wire.Closed:
            try:
                self.stopped = Stopped(self.why_closed())
            except Orphaned:
                self.orphaned = True
                self.stopped = Stopped("The sandbox went away: this is not your fault.")
        except wire.WireError as error:
            self.stopped = Stopped(f"Your code's answer could not be read: {error}.")
        except rpc.RemoteError as error:
            if error.type == "MemoryError" or "allocate memory" in error.text or "not enough memory" in error.text:
                self.stopped = Stopped("Stopped: your code asked for more memory than an exercise may use.")
            else:
                raise
        else:
            if self.mutated:
                names = " and ".join(f"`{n}`" for n in self.mutated)
                raise Mismatch(
                    "mutation",
                    f"`{label}` changed its input {names} in place. Whoever passed it still needs it: work on a copy "
                    "(`.clone()`), or use the version of the operation without the trailing underscore.",
                )
            return value
        raise self.stopped

    @contextmanager
    def untraced(self) -> Iterator[None]:
        """What comes back in this block is no answer: two submissions may differ in it and have made the same mistake."""
        trace, self.trace = self.trace, None
        try:
            yield
        finally:
            self.trace = trace

    def printed(self) -> tuple[str, int]:
        """What the learner's code printed since it was last asked, and how many characters more were not kept."""
        try:
            taken = self.ask("printed")
            return str(taken["text"])[: worker.PRINT_CAP], int(taken["dropped"])
        except (Stopped, rpc.RemoteError, KeyError, TypeError, ValueError):
            return "", 0


class Rand:
    """Seeded random inputs, the same for the learner, the reference and every known mistake."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator) * std + mean

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def integers(self, high: int, *shape: int, low: int = 0) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, n: int) -> torch.Tensor:
        return torch.randperm(n, generator=self.generator)

    def choice(self, options: Sequence) -> Any:
        return options[int(self.integers(len(options), 1))]


class Submission:
    """The learner's module as graders see it: `submission.attention_pattern(q, k)`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(self._bench.module, name)
        except rpc.RemoteError as error:
            if error.type == "AttributeError":
                raise Missing(f"`{name}` is not defined in your submission.") from None
            raise


def agree(bench: Bench, name: str, *args: Any, atol: float = 1e-4, rtol: float = 1e-3, **options: Any) -> Any:
    """Call the learner's `name` and the reference's with copies of the same arguments and compare; return the learner's."""
    told = {k: options.pop(k) for k in ("what", "axes", "hint") if k in options}
    mine = copy.deepcopy((args, options))
    actual = getattr(Submission(bench), name)(*args, **options)
    expected = getattr(bench.reference, name)(*mine[0], **mine[1])
    if isinstance(expected, torch.Tensor):
        expected = expected.detach()
    compare(actual, expected, **{"what": f"the result of `{name}`", "atol": atol, "rtol": rtol, **told})
    return actual


ALIASES = {"weight": ("w", "gamma", "scale"), "bias": ("b", "beta", "shift")}


def load_weights(module: rpc.Remote, weights: dict[str, torch.Tensor]) -> None:
    """Set a learner's module's parameters by name; raise Mismatch if one is missing or has another shape."""
    try:
        own = module.state_dict()
    except rpc.RemoteError as error:
        if error.type == "AttributeError":
            text = f"`{module._label}` has no `state_dict`: it must be an `nn.Module` that calls `super().__init__()`."
            raise Mismatch("type", text) from None
        raise
    if not isinstance(own, dict):
        raise Mismatch("type", "`state_dict()` did not return a dict of tensors.")
    found = {name: _own_name(name, own) for name in weights}
    missing = [name for name, own_name in found.items() if own_name is None]
    if missing:
        there = ", ".join(f"`{n}`" for n in own) or "none at all"
        text = f"There is no parameter {', '.join(f'`{n}`' for n in missing)} (parameters found: {there})."
        raise Mismatch("type", f"{text} Make it with `nn.Parameter` under exactly that name.")
    for name, value in weights.items():
        actual = own[found[name]]
        if not isinstance(actual, torch.Tensor) or actual.shape != value.shape:
            size = tuple(actual.shape) if isinstance(actual, torch.Tensor) else None
            text = f"The parameter `{name}` has shape {size}, expected {tuple(value.shape)}."
            raise Mismatch("shape", text, show(value), show(actual))
    module.load_state_dict({found[name]: value for name, value in weights.items()}, False)


def _own_name(name: str, own: dict) -> str | None:
    path, _, last = name.rpartition(".")
    prefix = f"{path}." if path else ""
    return next((prefix + n for n in (last, *ALIASES.get(last, ())) if prefix + n in own), None)


@contextmanager
def raises(*names: str) -> Iterator[None]:
    """Expect the learner's code to raise one of the named exceptions (or a subclass); any at all where none is named.

    A stub's NotImplementedError never counts.
    """
    wanted = " or ".join(names) or "an error"
    try:
        yield
    except rpc.RemoteError as error:
        if error.type == "NotImplementedError":
            raise
        if names and not set(names) & set(error.mro):
            text = f"This input should raise {wanted}, but your code raised {error.type}: {error.text}"
            raise Mismatch("type", text) from None
        return
    raise Mismatch("type", f"This input should raise {wanted}, but your code returned an answer.")


def local_bench(root: Path, chapter: str, exercise: str, namespace: dict[str, Any], seed: int) -> Bench:
    """A bench on live objects of this process: a notebook's names, or a known mistake laid over the reference."""
    judge, learner = JudgeEndpoint(), worker.learner_endpoint(namespace)
    rpc.pair(judge, learner)
    return make_bench(root, chapter, exercise, judge, seed)


def make_bench(root: Path, chapter: str, exercise: str, endpoint: JudgeEndpoint, seed: int) -> Bench:
    reference = importlib.import_module(f"solutions.{chapter}")
    return Bench(chapter, exercise, endpoint, reference, root / "graders" / chapter / "kit.py", seed)


class Orphaned(Exception):
    """The worker's parent is gone, and the worker with it: our fault, not the learner's."""


def reason_of_death(status_pipe: int, wait: float = 2.0) -> str:
    """What the worker's parent says of its end, as a sentence for the learner. Raises Orphaned if the parent is gone too."""
    deadline, text = time.monotonic() + wait, ""
    while not text and (left := deadline - time.monotonic()) > 0:
        if not select.select([status_pipe], [], [], left)[0]:
            break
        part = os.read(status_pipe, 16)
        if not part:
            raise Orphaned
        text = part.decode()
    code = int(text) if text.lstrip("-").isdigit() else None
    return {
        -signal.SIGXCPU: "Stopped: your code used up its processor time. Is there a loop that never ends?",
        -signal.SIGXFSZ: "Stopped: your code wrote a file larger than an exercise may write.",
        -signal.SIGKILL: "Stopped: your code used up its processor time or memory.",
        -signal.SIGSEGV: "Your code crashed the Python interpreter (a segmentation fault).",
        -signal.SIGBUS: "Your code crashed the Python interpreter (a bus error).",
        -signal.SIGABRT: "Your code crashed the Python interpreter (an abort inside a library).",
        -signal.SIGSYS: "Your code made a system call that the sandbox does not allow.",
    }.get(code if code is not None else 0, "Your code ended its own process (with `os._exit` or the like).")
