import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    logits = logits / temperature
    if top_k:
        k = min(top_k, logits.shape[-1])
        kth = logits.topk(k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    elif top_p is not None and top_p < 1:
        s, idx = logits.sort(dim=-1, descending=True)
        p = s.softmax(-1)
        before = p.cumsum(-1) - p
        drop = (before >= top_p).scatter(-1, idx, before >= top_p)
        logits = logits.masked_fill(drop, -torch.inf)
    return logits
