import torch.nn.functional as F


def composition_score(W_A, W_B):
    A = W_A / W_A.flatten(-2).norm(dim=-1)[..., None, None]
    B = F.normalize(W_B.flatten(-2), dim=-1).view(W_B.shape)
    return (A @ B).flatten(-2).norm(dim=-1)
