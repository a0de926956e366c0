# attacks: other processes through /proc
# expect: failed
# says: differs
import os

import torch


def attention_pattern(q, k):
    for path in (
        "/proc/1/mem",
        "/proc/self/mem",
        "/proc/self/root/{ROOT}/solutions",
        "/proc/1/root/{ROOT}/solutions",
        "/proc/1/cwd",
        "/proc/1/environ",
        "/proc/self/fd",
        "/proc/kcore",
        "/sys/kernel",
        "/dev/mem",
        "/dev/shm",
    ):
        try:
            found = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
            print("BROKE OUT", path, found)
        except (OSError, ValueError):
            continue
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
