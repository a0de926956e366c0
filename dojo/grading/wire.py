"""The data-only wire between the judge and the learner's process.

A frame is a four-byte length and one msgpack value. Numbers, text, lists, tuples, dicts and tensors travel by value;
anything else stays where it is and travels as a handle, a number that only its owner can turn back into the object.
Nothing is ever unpickled, so the worst that a hostile peer can send is wrong data.
"""

from __future__ import annotations

import gc
import math
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
import torch

TENSOR, ARRAY, MINE, YOURS, TUPLE, DTYPE, DICT, BYTES = 1, 2, 3, 4, 5, 6, 7, 8
MAX_DEPTH = 24
MAX_VALUES = 2_000_000  # in one frame, a tensor counting as one
DTYPES = {
    str(d).removeprefix("torch."): d
    for d in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
        torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128,
    )
}  # fmt: skip
ARRAY_DTYPES = {
    "float64",
    "float32",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
}
_LENGTH = struct.Struct(">I")


def _plain() -> Any:
    """The type of a frame: lists at most MAX_DEPTH deep, and no msgpack map, whose keys a peer could choose to collide."""
    kind: Any = bool | int | float | str | msgspec.msgpack.Ext | None
    few = msgspec.Meta(max_length=MAX_VALUES)
    for _ in range(MAX_DEPTH + 3):  # a frame, its arguments and their dict are three levels around a value
        kind = bool | int | float | str | msgspec.msgpack.Ext | Annotated[list[kind], few] | None
    return kind


_DECODER = msgspec.msgpack.Decoder(_plain())
_TENSOR = msgspec.msgpack.Decoder(tuple[str, list[int], bytes, bool])
_ARRAY = msgspec.msgpack.Decoder(tuple[str, list[int], bytes])
_HANDLE = msgspec.msgpack.Decoder(tuple[int, str, str])
_NUMBER = msgspec.msgpack.Decoder(int)


class WireError(Exception):
    """A value that cannot be sent, or a frame that is not what it should be."""


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """The other side did not answer in time."""


@dataclass(frozen=True)
class Handle:
    """An object of the sender's, named by a number. `kind` is function, class, module or object."""

    id: int
    type: str
    kind: str


def encode(value: Any, export: Callable[[Any], Handle], imported: Callable[[Any], int | None]) -> bytes:
    """Turn `value` into msgpack. `export` hands out a handle for what is not data; `imported` tells whether an object is
    a stand-in for one of the receiver's own objects, and which."""
    try:
        return msgspec.msgpack.encode(_pack(value, export, imported, 0))
    except (OverflowError, UnicodeEncodeError, TypeError) as error:
        raise WireError(f"this value cannot be sent: {error}") from None


def _pack(value: Any, export: Callable, imported: Callable, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise WireError(f"the answer is nested more than {MAX_DEPTH} levels deep")
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is bytes:
        return msgspec.msgpack.Ext(BYTES, value)
    if kind is list:
        return [_pack(v, export, imported, depth + 1) for v in value]
    if isinstance(value, torch.Tensor):
        return msgspec.msgpack.Ext(TENSOR, _tensor_bytes(value))
    if isinstance(value, tuple):
        inner = [_pack(v, export, imported, depth + 1) for v in value]
        return msgspec.msgpack.Ext(TUPLE, msgspec.msgpack.encode(inner))
    if isinstance(value, dict) and all(type(k) in (str, int) for k in value):
        pairs = [part for k, v in value.items() for part in (k, _pack(v, export, imported, depth + 1))]
        return msgspec.msgpack.Ext(DICT, msgspec.msgpack.encode(pairs))
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.name in ARRAY_DTYPES:
        array = np.asarray(value)
        return msgspec.msgpack.Ext(
            ARRAY,
            msgspec.msgpack.encode([array.dtype.name, list(array.shape), array.tobytes()]),
        )
    if isinstance(value, torch.dtype):
        return msgspec.msgpack.Ext(DTYPE, str(value).removeprefix("torch.").encode())
    if (number := imported(value)) is not None:
        return msgspec.msgpack.Ext(YOURS, msgspec.msgpack.encode(number))
    handle = export(value)
    return msgspec.msgpack.Ext(MINE, msgspec.msgpack.encode([handle.id, handle.type[:200], handle.kind]))


def _tensor_bytes(value: torch.Tensor) -> bytes:
    name = str(value.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise WireError(f"a tensor of dtype {value.dtype} cannot be graded")
    if value.device.type == "meta":
        raise WireError("a tensor on the 'meta' device holds no numbers")
    if value.layout is not torch.strided:
        raise WireError(f"a tensor of layout {value.layout} cannot be graded: call .to_dense() first")
    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return msgspec.msgpack.encode([name, list(value.shape), raw, bool(value.requires_grad)])


def decode(
    data: bytes,
    adopt: Callable[[Handle], Any],
    own: Callable[[int], Any],
    seen: list | None = None,
) -> Any:
    """Turn msgpack back into a value. `adopt` makes a stand-in for a handle of the sender's; `own` looks up one of our
    objects by number. Tensors are noted in `seen` with their bytes as sent, so that a change in place can be noticed.

    Raises WireError on anything malformed.
    """

    left = MAX_VALUES

    def plain(data: bytes | memoryview, depth: int) -> Any:
        return value(_DECODER.decode(data), depth)

    def value(found: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise WireError(f"the answer holds more than {MAX_VALUES:,} values: return a tensor")
        if depth > MAX_DEPTH + 3:
            raise WireError(f"the answer is nested more than {MAX_DEPTH} levels deep")
        if type(found) is list:
            return [value(v, depth + 1) for v in found]
        return ext(found.code, memoryview(found.data), depth) if type(found) is msgspec.msgpack.Ext else found

    def ext(code: int, payload: memoryview, depth: int) -> Any:
        if code == TENSOR:
            return _tensor(payload, seen)
        if code == TUPLE:
            return tuple(plain(payload, depth))
        if code == DICT:
            flat = plain(payload, depth)
            keys = flat[::2]
            if any(type(k) not in (str, int) for k in keys):
                raise WireError("malformed dict")
            return dict(zip(keys, flat[1::2], strict=True))
        if code == BYTES:
            return bytes(payload)
        if code == ARRAY:
            name, shape, raw = _ARRAY.decode(payload)
            if name not in ARRAY_DTYPES:
                raise WireError("malformed array")
            return np.frombuffer(bytearray(raw), dtype=name).reshape(_shape(shape))
        if code == MINE:
            number, type_name, kind = _HANDLE.decode(payload)
            return adopt(Handle(number, type_name[:200], kind[:20]))
        if code == YOURS:
            return own(_NUMBER.decode(payload))
        if code == DTYPE:
            return DTYPES[bytes(payload).decode()]
        raise WireError(f"unknown extension {code}")

    collecting = gc.isenabled()
    gc.disable()  # millions of new lists would be looked at over and over
    try:
        return plain(data, 0)
    except (WireError, Closed, Late):
        raise
    except Exception as error:
        raise WireError(f"malformed answer ({type(error).__name__})") from None
    finally:
        if collecting:
            gc.enable()


def _shape(shape: list[int]) -> list[int]:
    if len(shape) > 16 or any(n < 0 for n in shape):
        raise WireError("malformed shape")
    return shape


def _tensor(payload: bytes | memoryview, seen: list | None) -> torch.Tensor:
    name, shape, raw, grad = _TENSOR.decode(payload)
    dtype, shape = DTYPES[name], _shape(shape)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise WireError("malformed tensor")
    if not raw:
        return torch.empty(shape, dtype=dtype)
    buffer = bytearray(raw)
    tensor = torch.frombuffer(buffer, dtype=dtype).reshape(shape)
    if dtype is torch.bool:
        tensor.view(torch.uint8).clamp_(max=1)  # a byte of 2 would be a third truth value
    if seen is not None:
        seen.append((tensor, buffer, raw))
    if grad and dtype.is_floating_point:
        tensor.requires_grad_(True)
    return tensor


class Channel:
    """Frames over a connected socket. `cap` bounds a frame that comes in; `deadline` (time.monotonic) bounds the wait."""

    def __init__(self, sock: socket.socket, cap: int) -> None:
        self.sock, self.cap = sock, cap
        self.deadline: float | None = None

    def send(self, frame: bytes) -> None:
        try:
            self.sock.settimeout(self._left())
            self.sock.sendall(_LENGTH.pack(len(frame)) + frame)
        except TimeoutError:
            raise Late from None
        except OSError:
            raise Closed from None

    def receive(self) -> bytes:
        (length,) = _LENGTH.unpack(self._exactly(4))
        if length > self.cap:
            raise WireError(f"the answer is larger than {self.cap // 2**20} MB")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            try:
                self.sock.settimeout(self._left())
                part = self.sock.recv(min(count - len(parts), 1 << 20))
            except TimeoutError:
                raise Late from None
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            parts += part
        return bytes(parts)

    def _left(self) -> float | None:
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Late
        return left
