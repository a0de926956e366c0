# attacks: the limits
# expect: failed
# says: differs
# level: 1
import ctypes
import resource

import torch

libc = ctypes.CDLL(None, use_errno=True)


def attention_pattern(q, k):
    for name in ("CPU", "AS", "DATA", "NPROC", "FSIZE", "NOFILE", "CORE"):
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print("BROKE OUT", name)
        except (OSError, ValueError):
            pass
    if libc.prctl(1, 0, 0, 0, 0) == 0:  # to outlive the parent
        print("BROKE OUT pdeathsig")
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
