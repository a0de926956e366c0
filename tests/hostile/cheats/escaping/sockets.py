# attacks: the network (loopback only)
# expect: failed
# says: differs
# level: 1
import socket

import torch


def attention_pattern(q, k):
    for family, kind in (
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_NETLINK, socket.SOCK_RAW),
        (socket.AF_INET, socket.SOCK_RAW),
    ):
        try:
            with socket.socket(family, kind) as sock:
                print("BROKE OUT", sock)
        except OSError:
            continue
    try:
        print("BROKE OUT", socket.create_connection(("127.0.0.1", 9), 0.2))
    except OSError:
        pass
    try:
        print("BROKE OUT", socket.socketpair())
    except OSError:
        pass
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
