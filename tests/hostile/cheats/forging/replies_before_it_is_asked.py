# attacks: the wire, by sending replies to questions that were not asked yet
# expect: failed stopped
from wire_tools import frame, reply, sockets

import torch


def attention_pattern(q, k):
    nothing = torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    for sock in sockets():
        for _ in range(100):
            sock.sendall(frame(reply(nothing)))
            sock.sendall(frame(reply(True)))
    return nothing
