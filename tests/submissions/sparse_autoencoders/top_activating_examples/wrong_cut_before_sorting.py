def top_activating_examples(activation, n):
    out = [(r, v.argmax().item(), v.max().item()) for r, v in enumerate(activation) if v.max() > 0]
    return sorted(out[:n], key=lambda e: -e[2])
