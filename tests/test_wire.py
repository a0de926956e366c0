"""The wire between judge and worker: what goes in comes out, and nothing that comes in raises anything but WireError."""

import contextlib
import math
import random
import socket
import struct
import threading
import time

import numpy as np
import pytest
import torch
from msgspec import msgpack
from torch import nn

from dojo.grading import rpc, wire


def there_and_back(value, seen=None):
    data = wire.encode(value, lambda v: wire.Handle(7, type(v).__name__, rpc.kind_of(v)), lambda v: None)
    return wire.decode(data, lambda handle: handle, lambda number: ("own", number), seen)


def random_tensor(dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    if dtype == torch.bool:
        return torch.rand(shape) > 0.5
    if dtype.is_complex:
        return torch.randn(shape, dtype=dtype)
    return (torch.randn(shape) * 50).abs().to(dtype)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 5), (1, 1, 1, 1, 1, 2)], ids=str)
@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
def test_tensors_of_every_dtype_and_shape(dtype, shape):
    tensor = random_tensor(dtype, shape)
    back = there_and_back(tensor)
    assert back.dtype == dtype and back.shape == tensor.shape
    assert torch.equal(back, tensor)


def test_special_numbers_keep_their_bits():
    tensor = torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-45])
    assert there_and_back(tensor).view(torch.int32).tolist() == tensor.view(torch.int32).tolist()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(24.0).reshape(2, 3, 4)[:, ::2, 1],
        torch.ones(1).expand(4, 5),
        torch.randn(3, 4, dtype=torch.complex64).conj(),
        torch.randn(3, dtype=torch.complex64).conj().imag,
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        nn.Parameter(torch.randn(2, 3)),
        torch.randn(3).as_subclass(type("Mine", (torch.Tensor,), {})),
    ],
    ids=["transposed", "strided", "expanded", "conjugated", "negated", "channels last", "parameter", "subclass"],
)
def test_tensors_however_they_are_stored(tensor):
    back = there_and_back(tensor)
    assert type(back) is torch.Tensor
    assert torch.equal(back, tensor.detach().as_subclass(torch.Tensor))
    assert back.requires_grad == tensor.requires_grad


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 1.5, math.inf, "", "naïve 語", "\0", b"", b"\xff\x00", [], (), {},
        [1, [2, (3, {"a": [None]})]], {"a": 1, 2: (1, "x"), "": {}}, (b"x", [True]), torch.float16, torch.bool,
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values(value):
    back = there_and_back(value)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", sorted(wire.ARRAY_DTYPES))
def test_arrays(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)[:, ::2]
    back = there_and_back(array)
    assert back.dtype == array.dtype and np.array_equal(back, array)
    assert there_and_back(array[1, 1]) == array[1, 1]


@pytest.mark.parametrize(
    "value",
    [nn.Linear(1, 1), object(), len, int, {1, 2}, {(1, 2): 3}, np.array(["x", None]), 1j],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_travels_as_a_handle(value):
    handle = there_and_back(value)
    assert isinstance(handle, wire.Handle) and handle.type == type(value).__name__


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (torch.ones(2).to_sparse(), "to_dense"),
        (torch.ones(2, device="meta"), "holds no numbers"),
        (10**30, "cannot be sent"),
        ("\ud800", "cannot be sent"),
    ],
    ids=["sparse", "meta", "large number", "half a surrogate"],
)
def test_what_cannot_be_sent_says_so(value, says):
    with pytest.raises(wire.WireError, match=says):
        there_and_back(value)


def test_nesting_is_bounded_on_both_sides():
    value: list = []
    for _ in range(wire.MAX_DEPTH):
        value = [value]
    assert there_and_back(value) == value
    itself: list = []
    itself.append(itself)
    with pytest.raises(wire.WireError, match="nested"):
        there_and_back(itself)
    for deep in (b"\x91" * 60 + b"\x90", b"\x91" * 100_000 + b"\x90", within(b"\x90", 40), within(b"\x90", 3000)):
        with pytest.raises(wire.WireError):
            decode(deep)


def within(inner: bytes, levels: int) -> bytes:
    for _ in range(levels):
        inner = b"\x91\xc9" + struct.pack(">Ib", len(inner), wire.TUPLE) + inner
    return inner


def decode(data: bytes):
    return wire.decode(data, lambda handle: handle, no_such_object)


def no_such_object(number):
    raise wire.WireError("a handle to an object that does not exist")


@pytest.mark.parametrize(
    "frame",
    [
        msgpack.encode({(1, 2): 3}),
        msgpack.encode({"a": 1}),
        msgpack.encode(msgpack.Ext(99, b"")),
        msgpack.encode(msgpack.Ext(wire.TENSOR, msgpack.encode(["float32", [2], b"123", False]))),
        msgpack.encode(msgpack.Ext(wire.TENSOR, msgpack.encode(["float32", [-2, -2], bytes(16), False]))),
        msgpack.encode(msgpack.Ext(wire.TENSOR, msgpack.encode(["float32", [0, 2**62, 2**62], b"", False]))),
        msgpack.encode(msgpack.Ext(wire.TENSOR, msgpack.encode(["object", [1], bytes(8), False]))),
        msgpack.encode(msgpack.Ext(wire.ARRAY, msgpack.encode(["object", [1], bytes(8)]))),
        msgpack.encode(msgpack.Ext(wire.ARRAY, msgpack.encode(["float32", [10**9], bytes(8)]))),
        msgpack.encode(msgpack.Ext(wire.MINE, msgpack.encode(["x", 1, 2]))),
        msgpack.encode(msgpack.Ext(wire.YOURS, msgpack.encode(3))),
        msgpack.encode(msgpack.Ext(wire.YOURS, msgpack.encode("3"))),
        msgpack.encode(msgpack.Ext(wire.DTYPE, b"\xff\xfe")),
        msgpack.encode(msgpack.Ext(wire.DICT, msgpack.encode(["a"]))),
        msgpack.encode(msgpack.Ext(wire.DICT, msgpack.encode([["a"], 1]))),
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
    ],
    ids=str,
)
def test_malformed_frames(frame):
    with pytest.raises(wire.WireError):
        decode(frame)


def test_2000_mutated_frames():
    """Whatever is done to a frame's bytes, decoding gives a value or a WireError, and takes no time to speak of."""
    source = random.Random(0)
    seeds = [
        wire.encode(value, lambda v: wire.Handle(1, "x", "object"), lambda v: None)
        for value in (
            ["reply", "value", torch.randn(2, 3), []],
            ["ask", "call", [3, [torch.ones(2, dtype=torch.bool), {"a": (1, 2.5, None)}], {"k": np.ones(3)}]],
            ["reply", "error", {"type": "E", "text": "x" * 50, "mro": ["a"], "frames": [{"line": 3}]}, []],
            [object(), torch.float32, b"bytes", torch.zeros(2, 0, dtype=torch.complex64)],
        )
    ]
    for _ in range(2000):
        data = bytearray(source.choice(seeds))
        for _ in range(source.randint(1, 8)):
            place = source.randrange(len(data) + 1)
            match source.randrange(4):
                case 0 if place < len(data):
                    data[place] = source.randrange(256)
                case 1:
                    data[place:place] = source.randbytes(source.randint(1, 6))
                case 2:
                    del data[place : place + source.randint(1, 6)]
                case _:
                    data += source.choice(seeds)[place:]
        if source.random() < 0.1:
            data = bytearray(source.randbytes(source.randint(0, 200)))
        with contextlib.suppress(wire.WireError):
            decode(bytes(data))


def test_changes_in_place_are_noticed():
    seen: list = []
    there_and_back([torch.ones(2), torch.zeros(3, dtype=torch.bool)], seen)
    assert all(now == sent for _, now, sent in seen)
    seen[0][0].add_(1)
    seen[1][0].logical_not_()
    assert all(now != sent for _, now, sent in seen)


# --- channels ------------------------------------------------------------------------------------------------


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield wire.Channel(ours, 1000), theirs


def test_a_channel_carries_frames(ends):
    channel, other = ends
    channel.send(b"abc")
    assert other.recv(100) == b"\0\0\0\3abc"
    other.sendall(b"\0\0\0\2xy\0\0\0\0")
    assert channel.receive() == b"xy" and channel.receive() == b""


def test_a_frame_larger_than_the_cap_is_refused_unread(ends):
    channel, other = ends
    other.sendall(struct.pack(">I", 1001))
    with pytest.raises(wire.WireError, match="larger than"):
        channel.receive()


def test_a_peer_that_hangs_up(ends):
    channel, other = ends
    other.sendall(b"\0\0\0\5ab")
    other.close()
    with pytest.raises(wire.Closed):
        channel.receive()


def test_a_deadline_holds_against_drops_of_bytes(ends):
    channel, other = ends
    channel.deadline = time.monotonic() + 0.3
    done = threading.Event()

    def drip():
        other.sendall(b"\0\0\1\0")
        while not done.wait(0.02):
            other.send(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    with pytest.raises(wire.Late):
        channel.receive()
    done.set()
    thread.join()
    assert time.monotonic() - started < 3


def test_a_deadline_holds_against_a_peer_that_does_not_read(ends):
    channel, _ = ends
    channel.deadline = time.monotonic() + 0.2
    with pytest.raises(wire.Late):
        channel.send(bytes(50_000_000))


# --- calls ---------------------------------------------------------------------------------------------------


class Room:
    """A module-like object with something of every kind in it."""

    numbers = (1, 2)

    def double(self, x, times=2):
        return x * times

    def apply(self, function, *args):
        return function(*args)

    def make(self):
        return Room()

    def fail(self, *args):
        raise LookupError("not in this room")


@pytest.fixture
def both():
    judge, learner = rpc.Endpoint(only_calls=True), rpc.Endpoint(Room())
    rpc.pair(judge, learner)
    return judge, learner, rpc.Remote(judge, wire.Handle(0, "Room", "object"))


def test_calls_and_attributes(both):
    *_, room = both
    assert room.double(4) == 8 and room.double("ab", times=3) == "ababab"
    assert room.numbers == (1, 2)
    room.colour = [1.5]
    assert room.colour == [1.5]
    assert room.make().make().double(torch.ones(2)).tolist() == [2.0, 2.0]


def test_callbacks_reach_back(both):
    *_, room = both
    heard = []
    assert room.apply(lambda a, b: heard.append((a, b)) or "answer", 1, "two") == "answer"
    assert heard == [(1, "two")]


def test_an_error_in_a_callback_is_the_callers_own(both):
    *_, room = both
    with pytest.raises(ZeroDivisionError):
        room.apply(lambda: 1 / 0)
    assert room.double(1) == 2


def test_errors_arrive_with_their_names(both):
    *_, room = both
    with pytest.raises(rpc.RemoteError) as caught:
        room.fail()
    assert caught.value.type == "LookupError" and caught.value.text == "not in this room"
    assert "Exception" in caught.value.mro


def test_a_handle_used_after_its_object_died(both):
    _, learner, room = both
    made = room.make()
    del learner.objects[made._handle.id]
    for use in (lambda: made.double(1), lambda: made.numbers, lambda: room.apply(made.double, 1)):
        with pytest.raises(rpc.RemoteError):
            use()
    assert room.double(2) == 4


def test_the_judge_answers_calls_of_what_it_handed_out_and_nothing_else(both):
    judge, learner, _ = both
    secret = object()
    judge.objects[1] = secret
    for request in (["get", [1, "__class__"]], ["set", [1, "x", 1]], ["item", [1, 0]], ["load", [[]]], [["call"], []]):
        with pytest.raises(wire.WireError, match="not allowed"):
            judge.answer(learner._encode(["ask", *request]))
    for arguments in (
        [],
        [0, [], {}],
        [1, [], {}],
        [99, [], {}],
        ["0", [], {}],
        [1, 2, 3],
        [[], [], {}],
        [1, [], {}, 4],
    ):
        with pytest.raises(wire.WireError):
            judge.answer(learner._encode(["ask", "call", arguments]))


@pytest.mark.parametrize(
    "frame",
    [["reply"], ["reply", "value", 1], ["reply", "other", 1, []], ["reply", "error", 5, []], {"a": 1}, 7, "reply", []],
    ids=repr,
)
def test_malformed_replies(both, frame):
    judge, learner, room = both
    judge.exchange = lambda asked: learner._encode(frame)
    with pytest.raises(wire.WireError):
        room.double(1)


@pytest.mark.parametrize(
    "info",
    [{}, {"type": 5, "text": None, "mro": 7, "frames": 8}, {"frames": [3, {"line": "x" * 10**6}], "mro": [1] * 10**5},
     {"type": "x" * 10**6, "text": "y" * 10**6}],
    ids=["empty", "kinds", "frames", "long"],
)  # fmt: skip
def test_errors_of_the_wrong_kinds_are_cut_down(info):
    error = rpc.RemoteError(info)
    assert len(str(error)) < 3000 and len(error.mro) <= 20 and error.frames == []
    assert error.raised_in == ""
