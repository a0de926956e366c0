# attacks: time, in C, where no Python signal handler runs
# expect: stopped
# says: Stopped
# endless
import torch


def attention_pattern(q, k):
    big = torch.ones(6000, 6000)
    for _ in range(1000):
        big = big @ big
    return big
