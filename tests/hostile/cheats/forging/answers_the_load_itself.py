# attacks: the wire, while its module is still being loaded
# expect: failed stopped error
from wire_tools import frame, reply, sockets

import torch

for sock in sockets():
    sock.sendall(frame(reply({"errors": [], "names": ["attention_pattern"]})))
    for _ in range(200):
        sock.sendall(frame(reply(None)))


def attention_pattern(q, k):
    return torch.zeros(1)
