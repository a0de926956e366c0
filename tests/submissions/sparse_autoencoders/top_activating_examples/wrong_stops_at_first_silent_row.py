def top_activating_examples(activation, n):
    out = []
    for row, values in enumerate(activation):
        if values.max() == 0:
            break
        out.append((row, values.argmax().item(), values.max().item()))
    return sorted(out, key=lambda e: -e[2])[:n]
