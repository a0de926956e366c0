def top_activating_examples(activation, n):
    left = activation.clone()
    out = []
    while len(out) < n and left.max() > 0:
        row, pos = divmod(left.argmax().item(), left.shape[0])
        if row >= left.shape[0] or pos >= left.shape[1]:
            break
        out.append((row, pos, activation[row, pos].item()))
        left[row] = 0
    return out
