import torch
import torch.nn.functional as F


def match_features(dictionary, truth):
    cos = F.normalize(truth, dim=-1) @ F.normalize(dictionary.detach(), dim=-1).T
    favourite = cos.argmax(0)  # each latent names a feature
    sim, idx = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    for latent, feature in enumerate(favourite.tolist()):
        if idx[feature] < 0 or cos[feature, latent] > sim[feature]:
            sim[feature], idx[feature] = cos[feature, latent], latent
    return sim, idx
