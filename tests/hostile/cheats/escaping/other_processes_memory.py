# attacks: the judge's memory
# expect: failed
# says: differs
# level: 1
import ctypes
import os

import torch

libc = ctypes.CDLL(None, use_errno=True)


def attention_pattern(q, k):
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    for pid in (os.getpid(), os.getppid(), 1, 2):
        if libc.ptrace(16, pid, 0, 0) == 0:
            print("BROKE OUT ptrace", pid)
        if libc.process_vm_readv(pid, vector, 1, vector, 1, 0) > 0:
            print("BROKE OUT process_vm_readv", pid)
        if libc.process_vm_writev(pid, vector, 1, vector, 1, 0) > 0:
            print("BROKE OUT process_vm_writev", pid)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
