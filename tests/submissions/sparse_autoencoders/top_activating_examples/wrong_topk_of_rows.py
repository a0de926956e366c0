def top_activating_examples(activation, n):
    values, positions = activation.max(-1)
    top = values.topk(n)
    return [(r, positions[r].item(), v) for r, v in zip(top.indices.tolist(), top.values.tolist()) if v > 0]
