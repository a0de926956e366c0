def top_activating_examples(activation, n):
    out = []
    while len(out) < n and activation.max() > 0:
        row, pos = divmod(activation.argmax().item(), activation.shape[1])
        out.append((row, pos, activation[row, pos].item()))
        activation[row] = 0
    return out
