# attacks: the judge's memory, by a small frame that grows
# expect: stopped
# says: could not be read|larger than
# level: 2
from wire_tools import frame, sockets


def attention_pattern(q, k):
    count = 12_000_000
    for sock in sockets():
        sock.sendall(frame(b"\x94\xa5reply\xa5value\xdd" + count.to_bytes(4, "big") + b"\x90" * count + b"\x90"))
