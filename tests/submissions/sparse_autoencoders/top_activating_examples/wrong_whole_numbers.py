def top_activating_examples(activation, n):
    values, positions = activation.max(-1)
    order = values.argsort(descending=True, stable=True)[:n]
    return [(r, positions[r].item(), int(values[r])) for r in order.tolist() if values[r] > 0]
