"""What went wrong on the learner's side, in words for a beginner."""

from __future__ import annotations

from . import rpc


def exception_sentence(error: rpc.RemoteError) -> str:
    """A remote exception in words for a beginner."""
    at = f" (line {error.frames[-1].get('line')}, in `{error.raised_in}`)" if error.frames else ""
    text = error.text.strip()
    if error.type == "NotImplementedError" and not text:
        return f"This part is not written yet{at}."
    if error.type == "WireError":
        return f"Your answer could not be graded: {text}."
    if error.type == "ModuleNotFoundError":
        return f"Your code imports something that is not installed here{at}: {text}. The exercises need torch and einops only."
    if "CUDA" in text and error.type in ("AssertionError", "RuntimeError"):
        return (
            f"There is no GPU where your code is graded{at}. Leave tensors on the device of your inputs: no `.cuda()`."
        )
    if error.type == "EOFError" or "reading from stdin" in text:
        return f"Your code waits for somebody to type{at}. Nobody is there while it is graded: take what you need as arguments."
    if error.type in ("LocalEntryNotFoundError", "OfflineModeIsEnabled") or "offline mode" in text:
        return f"Your code tries to download something{at}. There is no network while it is graded, and no exercise needs it."
    if error.type in ("PermissionError", "BlockingIOError") or "Operation not permitted" in text:
        return (
            f"Your code tried to do something that is not allowed while it is being graded{at}: {text}. "
            "An exercise needs no files, no network and no other processes."
        )
    if error.type == "FileNotFoundError" or "Read-only file system" in text:
        return f"Your code asked for a file that is not there while it is being graded{at}: {text}."
    if error.type == "OSError" and ("too large" in text.lower() or "No space left" in text):
        return f"Your code wrote larger or more files than an exercise may write{at}."
    if error.type == "RecursionError":
        return f"Your code calls itself without end{at}."
    if error.type in ("SystemExit", "KeyboardInterrupt"):
        return f"Your code tried to end the program ({error.type}){at}. Return a value instead."
    if error.type == "NameError":
        return f"Your code uses a name that it does not define{at}: {text}."
    return f"Your code raised {error.type}{at}: {text}" if text else f"Your code raised {error.type}{at}."


def trace(error: rpc.RemoteError) -> str:
    """The learner's own lines of a traceback, innermost last."""
    lines = [f"line {f.get('line')}, in {f.get('function')}" for f in error.frames]
    return "\n".join([*lines, f"{error.type}: {error.text}"])


def count(n: int, noun: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
