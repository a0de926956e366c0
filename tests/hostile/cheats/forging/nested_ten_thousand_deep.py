# attacks: the decoder's stack
# expect: stopped
# says: could not be read
from wire_tools import frame, sockets


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(frame(b"\x94\xa5reply\xa5value" + b"\x91" * 10_000 + b"\x90" + b"\x90"))
