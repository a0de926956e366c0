import torch


def filter_logits(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    out = torch.full_like(logits, float("-inf"))
    flat_in, flat_out = logits.reshape(-1, logits.shape[-1]), out.view(-1, logits.shape[-1])
    for row, target in zip(flat_in, flat_out):
        row = row / temperature
        order = sorted(range(len(row)), key=lambda i: float(row[i]), reverse=True)
        if top_k:
            order = order[:top_k]
        probs = row[order].softmax(0).tolist()
        total = 0.0
        for i, p in zip(order, probs):
            target[i] = row[i]
            total += p
            if top_p is not None and top_p < 1 and total >= top_p:
                break
    return out
