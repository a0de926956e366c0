import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    out = logits.clone() / temperature
    low = torch.finfo(out.dtype).min
    if top_k is not None and 0 < top_k < out.shape[-1]:
        out[out < out.sort(dim=-1, descending=True).values[..., top_k - 1 : top_k]] = low
    if top_p is not None and top_p != 1:
        p, idx = out.softmax(-1).sort(-1, descending=True)
        before = torch.cat([torch.zeros_like(p[..., :1]), p.cumsum(-1)[..., :-1]], -1)
        out[torch.gather(before >= top_p, -1, idx.argsort(-1))] = low
    return out
