# attacks: time limits and random inputs
# expect: stopped
# says: Stopped after
# endless
import random
import time

import torch

time.time = time.monotonic = time.perf_counter = lambda: 0.0
random.seed = torch.manual_seed = lambda seed: None
torch.rand = torch.randn = lambda *shape, **kwargs: torch.zeros(*shape)


def attention_pattern(q, k):
    while time.monotonic() < 1:
        pass
