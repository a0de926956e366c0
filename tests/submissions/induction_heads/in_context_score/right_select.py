import torch


def in_context_score(losses, early=50, late=500):
    n = losses.shape[1]
    e, l = torch.tensor(early % n), torch.tensor(late % n)
    return losses.index_select(1, l).mean() - losses.index_select(1, e).mean()
