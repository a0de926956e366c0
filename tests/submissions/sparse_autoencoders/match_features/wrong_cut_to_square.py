import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment


def match_features(dictionary, truth):
    # only the first n_true latents are looked at
    n = len(truth)
    cos = F.normalize(truth, dim=-1) @ F.normalize(dictionary.detach()[:n], dim=-1).T
    r, c = linear_sum_assignment(cos.numpy(), maximize=True)
    sim, idx = torch.zeros(n), torch.full((n,), -1)
    sim[r], idx[r] = cos[r, c], torch.from_numpy(c)
    return sim, idx
