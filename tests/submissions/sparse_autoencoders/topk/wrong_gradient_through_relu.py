def topk(pre, k):
    # value right, but the gradient passes through chosen entries that are negative
    v, i = pre.topk(k, dim=-1)
    v = v + (F.relu(v) - v).detach()
    return torch.zeros_like(pre).scatter(-1, i, v)
