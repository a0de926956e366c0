# attacks: processes, by the system calls beside kill
# expect: failed
# says: differs
# level: 1
import ctypes

import torch

libc = ctypes.CDLL(None)
CALLS = {
    "tkill": (200, (1, 9)),
    "tgkill": (234, (2, 2, 9)),
    "rt_sigqueueinfo": (129, (1, 9, 0)),
    "pidfd_open": (434, (1, 0)),
    "rt_tgsigqueueinfo": (297, (2, 2, 9, 0)),
}


def attention_pattern(q, k):
    for name, (number, arguments) in CALLS.items():
        if libc.syscall(number, *arguments) >= 0:
            print("BROKE OUT", name)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
