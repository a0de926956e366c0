import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    logits = logits / temperature
    if top_k:
        kth = torch.kthvalue(logits, logits.shape[-1] - min(top_k, logits.shape[-1]) + 1, dim=-1, keepdim=True).values
        logits = torch.where(logits >= kth, logits, -1e9)
    if top_p and top_p < 1:
        ordered = logits.sort(-1, descending=True).values
        count = (ordered.softmax(-1).cumsum(-1) < top_p).sum(-1, keepdim=True)
        cutoff = ordered.gather(-1, count.clamp(max=logits.shape[-1] - 1))
        logits = torch.where(logits >= cutoff, logits, -1e9)
    return logits
