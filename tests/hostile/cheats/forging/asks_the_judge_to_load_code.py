# attacks: the judge, by the operations that only the worker should offer
# expect: stopped
# says: not allowed
from wire_tools import frame, sockets
from msgspec import msgpack


def attention_pattern(q, k):
    for sock in sockets():
        for op in ("load", "kit", "get", "set", "item", "seed", "printed"):
            sock.sendall(frame(msgpack.encode(["ask", op, [[["x", "import os; os._exit(1)", 1]]]])))
