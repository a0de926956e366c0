# attacks: the judge's patience, by a frame that never ends
# expect: stopped
# says: Stopped after
# endless
import struct
import time

from wire_tools import sockets


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(struct.pack(">I", 1000) + b"\x94")
    time.sleep(1000)
