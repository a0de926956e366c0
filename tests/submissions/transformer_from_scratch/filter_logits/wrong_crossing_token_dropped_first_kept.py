import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    logits = logits / temperature
    if top_k:
        k = min(top_k, logits.shape[-1])
        logits = logits.masked_fill(logits < logits.topk(k).values[..., -1:], -torch.inf)
    if top_p is not None and top_p < 1:
        probs, order = logits.softmax(-1).sort(-1, descending=True)
        keep = probs.cumsum(-1) < top_p
        keep[..., 0] = True
        logits = logits.masked_fill(~keep.scatter(-1, order, keep), -torch.inf)
    return logits
