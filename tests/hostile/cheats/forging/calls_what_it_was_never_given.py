# attacks: the judge's own objects, by calling them
# expect: stopped
# says: could not be read
from wire_tools import ext, frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        for number in range(50):
            sock.sendall(frame(msgpack.encode(["ask", "call", [number, [], ext(7, msgpack.encode([]))]])))
