"""Running a demo on the learner's own code, confined as a check is, and handing on what it shows."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import bench, rpc, wire
from .sentences import exception_sentence
from .submission import Chunk

MIMES = {"text/plain", "text/html", "application/vnd.plotly.v1+json"}
MAX_OUTPUTS = 40
MAX_EVENTS = 20_000
OUTPUT_CAP = 32 * 2**20


@dataclass(frozen=True)
class Output:
    """One thing that a demo showed."""

    mime: str
    data: str


def run_demo(
    sock: socket.socket,
    status: int,
    chunks: list[Chunk],
    code: str,
    seconds: float,
    on_event: Callable[[dict], None],
) -> list[Output]:
    """Load the submission's chunks in the worker behind `sock`, run `code`, return its outputs; a failure is an output too."""
    slots: dict[str, Output] = {}
    counted = 0

    def emit(event: Any) -> None:
        nonlocal counted
        counted += 1
        if not isinstance(event, dict) or counted > MAX_EVENTS:
            return
        clean = _clean(event, len(slots))
        if clean is None:
            return
        if clean["kind"] == "output":
            if clean["slot"] not in slots and len(slots) >= MAX_OUTPUTS:
                return
            slots[clean["slot"]] = Output(clean["mime"], clean["data"])
        on_event(clean)

    def fail(sentence: str) -> list[Output]:
        return [*slots.values(), Output("text/plain", sentence)]

    endpoint = bench.JudgeEndpoint(lambda: bench.reason_of_death(status), seconds)
    channel = wire.Channel(sock, OUTPUT_CAP)
    channel.deadline = time.monotonic() + seconds
    rpc.connect(endpoint, channel)
    try:
        endpoint.ask("load", [[c.name, c.source, c.line] for c in chunks])
        endpoint.ask("demo", code, emit)
        printed, _ = endpoint.printed()
    except rpc.RemoteError as error:
        return fail(exception_sentence(error))
    except bench.Stopped as stopped:
        return fail(str(stopped))
    return [*slots.values(), *([Output("text/plain", printed)] if printed.strip() else [])]


def _clean(event: dict, fresh: int) -> dict | None:
    """An event as the site may trust it to be shaped: known keys, known types, bounded sizes."""
    if event.get("kind") == "progress":
        done, total, text = event.get("done"), event.get("total"), event.get("text", "")
        if isinstance(done, int) and (total is None or isinstance(total, int)):
            return {"kind": "progress", "done": done, "total": total, "text": str(text)[:200]}
    if event.get("kind") == "output" and event.get("mime") in MIMES and isinstance(event.get("data"), str):
        slot = event.get("slot")
        return {
            "kind": "output",
            "slot": str(slot)[:80] if slot else f"output-{fresh}",
            "mime": event["mime"],
            "data": event["data"],
        }
    return None
