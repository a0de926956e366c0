import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    if top_k:
        keep = torch.zeros_like(scaled, dtype=torch.bool)
        keep.scatter_(-1, scaled.topk(min(top_k, scaled.shape[-1]), dim=-1).indices, True)
        scaled = torch.where(keep, scaled, torch.full_like(scaled, float("-inf")))
    if top_p is not None and top_p < 1:
        values, order = torch.sort(scaled, dim=-1, descending=True)
        remove = torch.cumsum(torch.softmax(values, dim=-1), dim=-1) > top_p
        remove[..., 1:] = remove[..., :-1].clone()
        remove[..., 0] = False
        values = values.masked_fill(remove, float("-inf"))
        scaled = torch.empty_like(values).scatter(-1, order, values)
    return scaled
