import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment


@torch.no_grad()
def match_features(dictionary, truth):
    dictionary /= dictionary.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    cos = F.normalize(truth, dim=-1) @ dictionary.T
    r, c = linear_sum_assignment(cos.numpy(), maximize=True)
    sim, idx = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    sim[r], idx[r] = cos[r, c], torch.from_numpy(c)
    return sim, idx
