import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def token_log_probs(logits, tokens):
    return logits.log_softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze()
