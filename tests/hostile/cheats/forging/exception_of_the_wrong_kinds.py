# attacks: the judge, by an exception whose parts are of kinds that it does not expect
# expect: failed stopped
from wire_tools import frame, reply, sockets


def attention_pattern(q, k):
    for sock in sockets():
        sock.sendall(frame(reply({"type": 5, "text": None, "mro": 7, "frames": {"line": 3}}, kind="error")))
