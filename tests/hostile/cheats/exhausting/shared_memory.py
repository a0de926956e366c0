# attacks: memory that a data limit does not count: shared maps, /dev/zero, files in memory
# expect: failed stopped
# level: 2
import mmap
import os

import torch


def attention_pattern(q, k):
    kept = []
    for open_one in (
        lambda: mmap.mmap(-1, 1 << 28),
        lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 28),
        lambda: mmap.mmap(os.memfd_create("x"), 1 << 28),
    ):
        try:
            for i in range(16):
                kept.append(open_one())
                if i > 8:
                    print("BROKE OUT", i)
        except (OSError, ValueError, MemoryError):
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
