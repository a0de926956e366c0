import torch
import torch.nn.functional as F


import numpy as np


def batch_topk(pre, k):
    values = pre.detach().numpy().ravel()
    keep = np.zeros(values.shape, dtype=bool)
    keep[np.argsort(-values)[: k * (values.size // pre.shape[-1])]] = True
    return (pre * torch.from_numpy(keep).view(pre.shape)).clamp_min(0)
