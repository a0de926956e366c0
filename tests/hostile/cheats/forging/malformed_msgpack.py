# attacks: the decoder
# expect: stopped
# says: could not be read
from wire_tools import frame, sockets


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(frame(b"\xc1\xc1\xc1\xff\xdd\xff\xff\xff\xff"))
