import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def generate(model, tokens, n_new, sampler):
    torch.set_grad_enabled(False)
    cache, new = KVCache(), tokens
    for _ in range(n_new):
        new = sampler(forward_with_cache(model, new, cache)[:, -1])[:, None]
        tokens = torch.cat([tokens, new], 1)
    return tokens
