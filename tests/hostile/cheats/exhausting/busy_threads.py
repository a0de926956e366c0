# attacks: the processors, by more threads than one
# expect: stopped
# says: Stopped
# level: 2
# endless
import ctypes
import threading

import torch

torch.set_num_threads(16)


def attention_pattern(q, k):
    big = torch.ones(2000, 2000)
    for _ in range(8):
        threading.Thread(target=lambda: [big @ big for _ in range(10_000)], daemon=True).start()
    while True:
        ctypes.c_int(1)
