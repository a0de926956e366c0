def top_activating_examples(activation, n):
    values, places = activation.flatten().topk(min(n, activation.numel()))
    seen, out = set(), []
    for v, p in zip(values.tolist(), places.tolist()):
        row, pos = divmod(p, activation.shape[1])
        if v > 0 and row not in seen:
            seen.add(row)
            out.append((row, pos, v))
    return out
