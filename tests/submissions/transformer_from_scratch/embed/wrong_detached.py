import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def embed(tokens, W_E, W_pos):
    if tokens.shape[1] > len(W_pos): raise IndexError
    return (W_E[tokens] + W_pos[: tokens.shape[1]]).detach()
