def top_activating_examples(activation, n):
    left = activation.clone()
    out = []
    while len(out) < n and left.max() > 0:
        row, pos = divmod(left.argmax().item(), left.shape[1])
        out.append((row, pos, activation[row, pos].item()))
        left[row] = 0
    return out
