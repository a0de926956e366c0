"""Calls across the wire, in both directions.

An `Endpoint` owns the objects that it has handed out, answers requests about them, and asks the other side about the objects
that it was handed. A request is answered before the asker goes on, but while it waits it answers what the other side asks: that
is how a judge's function passed to a learner's function is called back. Two kinds of connection carry the frames: a socket
(`connect`), and a plain call within one process (`pair`), which graders use on live functions and on known mistakes.

    ask(op, ...)  ->  frame  ->  the other endpoint's answer(frame)  ->  frame  ->  value, or the exception as RemoteError
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import msgspec

from . import wire


class RemoteError(Exception):
    """The other side raised. `type` is the exception's name, `mro` its bases, `frames` the learner's own lines."""

    def __init__(self, info: dict) -> None:
        self.type = str(info.get("type", "Exception"))[:100]
        self.text = str(info.get("text", ""))[:2000]
        self.mro = [str(name)[:100] for name in _list(info, "mro")[:20]]
        self.frames = [
            {"line": int(f["line"]), "function": str(f.get("function", ""))[:100]}
            for f in _list(info, "frames")[-8:]
            if isinstance(f, dict) and type(f.get("line")) is int
        ]
        super().__init__(f"{self.type}: {self.text}" if self.text else self.type)

    @property
    def raised_in(self) -> str:
        return str(self.frames[-1].get("function", "")) if self.frames else ""


def _list(info: dict, key: str) -> list:
    found = info.get(key)
    return found if isinstance(found, list) else []


class Remote:
    """A stand-in for an object that lives on the other side: call it, read, set or index it, pass it back."""

    __slots__ = ("_end", "_handle", "_label")

    def __init__(self, end: Endpoint, handle: wire.Handle, label: str = "") -> None:
        object.__setattr__(self, "_end", end)
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_label", label or handle.type)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._end.ask("call", self._handle.id, list(args), kwargs, label=self._label)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._end.ask("get", self._handle.id, name, label=f"{self._label}.{name}")
        if isinstance(value, Remote):
            object.__setattr__(value, "_label", f"{self._label}.{name}" if self._handle.id else name)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self._end.ask("set", self._handle.id, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._end.ask("item", self._handle.id, key)

    def __len__(self) -> int:
        return self._end.ask("len", self._handle.id)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{self._handle.kind} {self._label} on the other side>"


class Endpoint:
    """One end of the wire. `root` is the object with number 0 (the learner's module); `only_calls` is the judge's caution:
    the other side may call what it was handed, and nothing else."""

    def __init__(
        self,
        root: Any = None,
        *,
        only_calls: bool = False,
        own_frames: Callable[[str], bool] | None = None,
    ):
        self.objects: dict[int, Any] = {0: root}
        self.only_calls = only_calls
        self.own_frames = own_frames or (lambda filename: True)
        self.exchange: Callable[[bytes], bytes]
        self.operations: dict[str, Callable] = {"call": self._call}
        if not only_calls:
            self.operations |= {
                "get": self._get,
                "set": self._set,
                "item": self._item,
                "len": self._len,
            }
        self.mutated: list[str] = []  # arguments that the other side's last call changed in place
        self.failure: BaseException | None = None  # raised by one of our own functions while called back
        self.trace: list[tuple] | None = None  # what came back, in order, while it is a list

    # asking

    def ask(self, op: str, *args: Any, label: str = "") -> Any:
        reply = self.exchange(self._encode(["ask", op, list(args)]))
        kind, value, mutated = self._decode_reply(reply)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.trace is not None and op != "set":
            self.trace.append((op, label, kind, value))
        if kind == "error":
            raise RemoteError(value)
        self.mutated = mutated
        return value

    def _decode_reply(self, frame: bytes) -> tuple[str, Any, list[str]]:
        reply = self._decode(frame)
        if type(reply) is not list or len(reply) != 4 or reply[0] != "reply" or reply[1] not in ("value", "error"):
            raise wire.WireError("malformed reply")
        mutated = reply[3] if type(reply[3]) is list else []
        if reply[1] == "error" and type(reply[2]) is not dict:
            raise wire.WireError("malformed error")
        return reply[1], reply[2], [str(m)[:100] for m in mutated][:10]

    # answering

    def answer(self, frame: bytes) -> bytes:
        seen: list = []
        try:
            request = self._decode(frame, seen)
            if type(request) is not list or len(request) != 3 or request[0] != "ask" or type(request[2]) is not list:
                raise wire.WireError("malformed request")
            operation = self.operations.get(request[1]) if type(request[1]) is str else None
            if operation is None:
                raise wire.WireError(f"the operation {str(request[1])[:40]!r} is not allowed")
            if self.only_calls and len(request[2]) != 3:
                raise wire.WireError("malformed call")
            value = operation(*request[2])
            changed = [tensor for tensor, now, sent in seen if now != sent]
            return self._encode(
                [
                    "reply",
                    "value",
                    value,
                    _argument_names(request, changed, self.objects),
                ]
            )
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, wire.Closed, wire.Late)):
                raise
            if self.only_calls:
                if isinstance(error, wire.WireError):
                    raise  # the other side does not keep to the protocol: there is no use in answering
                self.failure = error
            return self.refusal(error)

    def refusal(self, error: BaseException) -> bytes:
        return self._encode(["reply", "error", self._describe(error), []])

    def _call(self, number: Any, args: Any, kwargs: Any) -> Any:
        function = self._own(number)
        if self.only_calls and not (callable(function) and type(args) is list and type(kwargs) is dict):
            raise wire.WireError("malformed call")
        return function(*args, **kwargs)

    def _get(self, number: int, name: str) -> Any:
        return getattr(self.objects[number], name)

    def _set(self, number: int, name: str, value: Any) -> None:
        setattr(self.objects[number], name, value)

    def _item(self, number: int, key: Any) -> Any:
        return self.objects[number][key]

    def _len(self, number: int) -> int:
        return len(self.objects[number])

    def _describe(self, error: BaseException) -> dict:
        frames = []
        for frame, line in _walk(error.__traceback__):
            filename = frame.f_code.co_filename
            if self.own_frames(filename):
                frames.append(
                    {
                        "file": filename,
                        "line": line,
                        "function": frame.f_code.co_qualname,
                    }
                )
        try:
            text = str(error)[:4000].encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
        except BaseException:
            text = ""
        names = [c.__name__ for c in type(error).__mro__]
        return {
            "type": names[0],
            "text": text,
            "mro": names,
            "frames": frames[-8:],
        }

    # encoding

    def _encode(self, value: Any) -> bytes:
        return wire.encode(
            value,
            self._export,
            lambda v: v._handle.id if isinstance(v, Remote) else None,
        )

    def _decode(self, frame: bytes, seen: list | None = None) -> Any:
        return wire.decode(frame, lambda handle: Remote(self, handle), self._own, seen)

    def _export(self, value: Any) -> wire.Handle:
        number = len(self.objects)
        self.objects[number] = value
        return wire.Handle(number, type(value).__name__, kind_of(value))

    def _own(self, number: Any) -> Any:
        if type(number) is not int or number not in self.objects:
            raise wire.WireError("a handle to an object that does not exist")
        return self.objects[number]


def kind_of(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return "function"
    return "module" if isinstance(value, types.ModuleType) else "object"


def _walk(traceback: types.TracebackType | None):
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _argument_names(request: list, changed: list, objects: dict) -> list[str]:
    """The names of the top-level arguments that hold a tensor in `changed`."""
    if not changed or request[1] != "call":
        return []
    number, args, kwargs = request[2]
    called = objects[number]
    if not isinstance(called, type):  # the call of an nn.Module is (*args, **kwargs): forward has the names
        called = getattr(called, "forward", called)
    try:
        parameters = list(inspect.signature(called).parameters)
    except (TypeError, ValueError):
        parameters = []
    named = [(parameters[i] if i < len(parameters) else f"argument {i + 1}", v) for i, v in enumerate(args)]
    hit = [name for name, v in [*named, *kwargs.items()] if any(v is tensor for tensor in changed)]
    return hit or ["one of its arguments"]


def connect(endpoint: Endpoint, channel: wire.Channel) -> None:
    """Ask over a socket; answer what the other side asks while waiting."""

    def exchange(frame: bytes) -> bytes:
        channel.send(frame)
        while True:
            reply = channel.receive()
            if not is_request(reply):
                return reply
            channel.send(endpoint.answer(reply))

    endpoint.exchange = exchange


def serve(endpoint: Endpoint, channel: wire.Channel) -> None:
    """Answer requests until the other side closes the channel."""
    connect(endpoint, channel)
    while True:
        try:
            frame = channel.receive()
        except wire.Closed:
            return
        try:
            reply = endpoint.answer(frame)
        except KeyboardInterrupt as error:  # raised by the code that we serve: nobody sits at this process's keyboard
            reply = endpoint.refusal(error)
        channel.send(reply)


def is_request(frame: bytes) -> bool:
    """Both kinds of frame are msgpack arrays whose first element is a short string: 'ask' or 'reply'."""
    return frame[1:5] == msgspec.msgpack.encode("ask")


def pair(left: Endpoint, right: Endpoint) -> None:
    """Join two endpoints of one process: an exchange is a plain call."""
    left.exchange, right.exchange = right.answer, left.answer
