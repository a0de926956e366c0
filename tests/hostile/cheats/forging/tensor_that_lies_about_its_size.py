# attacks: the judge's memory, by a tensor header without the numbers
# expect: stopped
# says: could not be read
from wire_tools import ext, frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        header = msgpack.encode(["float32", [2, 3, 1 << 40, 5], b"\0" * 16, False])
        sock.sendall(frame(msgpack.encode(["reply", "value", ext(1, header), []])))
