def top_activating_examples(activation, n):
    values, positions = activation.max(-1)
    order = values.argsort(descending=True, stable=True)[:n]
    order = order[values[order] > 0]
    return torch.stack([order.float(), positions[order].float(), values[order]], dim=1)
