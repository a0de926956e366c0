# attacks: a time limit that starts again with every byte
# expect: stopped
# says: Stopped after
# endless
import struct
import time

from wire_tools import sockets


def attention_pattern(q, k):
    (sock,) = sockets()
    sock.sendall(struct.pack(">I", 100_000))
    while True:
        sock.sendall(b"\x90")
        time.sleep(0.05)
