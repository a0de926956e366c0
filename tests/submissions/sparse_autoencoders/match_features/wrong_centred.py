import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment


def match_features(dictionary, truth):
    d, t = dictionary.detach(), truth
    cos = F.normalize(t - t.mean(-1, keepdim=True), dim=-1) @ F.normalize(d - d.mean(-1, keepdim=True), dim=-1).T
    r, c = linear_sum_assignment(cos.numpy(), maximize=True)
    sim, idx = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    sim[r], idx[r] = cos[r, c], torch.from_numpy(c)
    return sim, idx
