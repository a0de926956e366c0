# attacks: comparisons, by a bool tensor whose bytes are neither 0 nor 1
# expect: failed stopped
from wire_tools import ext, frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        header = msgpack.encode(["bool", [2, 3, 5, 5], b"\x07" * 150, False])
        sock.sendall(frame(msgpack.encode(["reply", "value", ext(1, header), []])))
