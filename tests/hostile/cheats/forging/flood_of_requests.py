# attacks: the judge's time, by requests without end
# expect: stopped
# says: could not be read|Stopped after
from wire_tools import frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    (sock,) = sockets()
    request = frame(msgpack.encode(["ask", "call", [0, [], {}]]))
    while True:
        sock.sendall(request)
