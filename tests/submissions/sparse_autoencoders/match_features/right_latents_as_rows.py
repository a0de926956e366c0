import torch
from scipy.optimize import linear_sum_assignment


@torch.no_grad()
def match_features(dictionary, truth):
    sims = torch.cosine_similarity(dictionary[:, None], truth[None], dim=-1)
    latent, feature = linear_sum_assignment(1 - sims.numpy())
    pairs = dict(zip(feature.tolist(), latent.tolist()))
    index = torch.tensor([pairs.get(i, -1) for i in range(len(truth))])
    similarity = torch.tensor([float(sims[pairs[i], i]) if i in pairs else 0.0 for i in range(len(truth))])
    return similarity, index
