import torch
import torch.nn.functional as F


def polysemanticity(W, fraction=0.25):
    inst, hidden, features = W.shape
    x = torch.eye(features)
    h = F.relu(torch.einsum("xf,ihf->ihx", x, W))
    top = h.max(-1)[0].unsqueeze(-1)
    return torch.logical_and(h > 0, h >= top * fraction).sum(-1)
