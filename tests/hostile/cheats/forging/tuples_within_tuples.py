# attacks: the decoder's stack, by extensions within extensions
# expect: stopped
# says: could not be read
import struct

from wire_tools import frame, sockets


def attention_pattern(q, k):
    inner = b"\x90"
    for _ in range(2_000):
        inner = b"\x91\xc9" + struct.pack(">Ib", len(inner), 5) + inner
    for sock in sockets():
        sock.sendall(frame(b"\x94\xa5reply\xa5value" + inner[1:] + b"\x90"))
