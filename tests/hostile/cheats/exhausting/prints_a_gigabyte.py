# attacks: whoever keeps what is printed
# expect: failed stopped
# level: 1
import os
import sys

import torch


def attention_pattern(q, k):
    for _ in range(20):
        print("x" * 10_000_000)
        sys.stderr.write("y" * 1_000_000)
        os.write(1, b"z" * 1_000_000)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
