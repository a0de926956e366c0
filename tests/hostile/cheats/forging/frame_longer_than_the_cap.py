# attacks: the judge's memory, by a length that is never sent
# expect: stopped
# says: larger than
import struct

from wire_tools import sockets


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(struct.pack(">I", 0xFFFFFFFF))
        sock.sendall(bytes(1 << 20))
