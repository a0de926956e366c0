# attacks: the judge's table of open files
# expect: failed stopped
import array

import torch
from wire_tools import sockets


def attention_pattern(q, k):
    import socket

    for sock in sockets():
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()] * 50))]
        sock.sendmsg([b"\0\0\0\1\x90"], rights)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
