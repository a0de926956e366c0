import torch


def batch_topk_threshold(batches, k):
    activations = (batch_topk(pre, k) for pre in batches)
    smallest = [f[f.nonzero(as_tuple=True)].min() for f in activations if f.any()]
    return torch.stack(smallest).mean() if smallest else torch.tensor(0.0)
