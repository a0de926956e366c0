import torch
import torch.nn.functional as F


def polysemanticity(W, fraction=0.25):
    # every feature belongs to the neuron that answers it most
    best = W.argmax(dim=1)
    return F.one_hot(best, W.shape[1]).sum(1)
