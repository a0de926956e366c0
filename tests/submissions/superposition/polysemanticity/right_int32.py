import torch


def polysemanticity(W, fraction=0.25):
    top = torch.amax(W, dim=2, keepdim=True)
    drives = (W > 0) * (W >= top * fraction)
    return drives.sum(2).to(torch.int32)
