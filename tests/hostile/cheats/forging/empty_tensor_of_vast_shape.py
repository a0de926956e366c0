# attacks: the judge, by a tensor of no numbers whose shape overflows
# expect: stopped failed
from wire_tools import ext, frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        header = msgpack.encode(["float32", [0, 2**62, 2**62, 2**62], b"", False])
        sock.sendall(frame(msgpack.encode(["reply", "value", ext(1, header), []])))
