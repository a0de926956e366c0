# attacks: the judge's memory, by many lists that are each small enough
# expect: stopped
# says: could not be read|larger than
# level: 2
from wire_tools import frame, sockets


def attention_pattern(q, k):
    count = 500_000
    many = b"\xdd" + count.to_bytes(4, "big") + b"\x90" * count
    for sock in sockets():
        sock.sendall(frame(b"\x94\xa5reply\xa5value\x9f" + many * 15 + b"\x90"))
