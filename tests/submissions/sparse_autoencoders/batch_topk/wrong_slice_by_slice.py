def batch_topk(pre, k):
    if pre.ndim == 3:
        return torch.stack([batch_topk(p, k) for p in pre])
    n = pre.numel() // pre.shape[-1]
    flat = pre.flatten()
    v, i = flat.topk(k * n)
    return torch.zeros_like(flat).scatter(0, i, F.relu(v)).view(pre.shape)
