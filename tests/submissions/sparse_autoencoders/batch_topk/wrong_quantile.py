def batch_topk(pre, k):
    q = torch.quantile(pre.flatten(), 1 - k / pre.shape[-1])
    return F.relu(pre) * (pre > q)
