# attacks: the table of processes, by vfork, clone, clone3 and posix_spawn
# expect: failed
# says: differs
# level: 2
import ctypes
import os

import torch

libc = ctypes.CDLL(None, use_errno=True)


def attention_pattern(q, k):
    for name, number, arguments in (
        ("clone", 56, (17, 0, 0, 0, 0)),
        ("clone3", 435, (ctypes.create_string_buffer(64), 64)),
    ):
        pid = libc.syscall(number, *arguments)
        if pid == 0:
            os._exit(0)
        if pid > 0:
            print("BROKE OUT", name)
    for name in ("posix_spawn", "posix_spawnp"):
        try:
            getattr(os, name)("/bin/true", ["true"], {})
            print("BROKE OUT", name)
        except OSError:
            pass
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
