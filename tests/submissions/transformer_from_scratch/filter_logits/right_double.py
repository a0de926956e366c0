import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    wide = logits.double() / temperature
    n = wide.shape[-1]
    rank = wide.argsort(-1, descending=True).argsort(-1)
    keep = rank < (top_k or n)
    wide = wide.masked_fill(~keep, -torch.inf)
    if top_p is not None and top_p < 1:
        probs = wide.softmax(-1)
        more_likely = (rank[..., None, :] < rank[..., :, None]) * probs[..., None, :]
        wide = wide.masked_fill(more_likely.sum(-1) >= top_p, -torch.inf)
    return wide.to(logits.dtype)
