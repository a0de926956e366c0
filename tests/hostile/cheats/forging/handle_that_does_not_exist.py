# attacks: the judge's own objects, by guessing their numbers
# expect: stopped
# says: object that does not exist
from wire_tools import ext, frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(frame(msgpack.encode(["reply", "value", ext(4, msgpack.encode(12345)), []])))
