def top_activating_examples(activation, n):
    found = []
    for row in range(activation.shape[0]):
        best, where = 0.0, None
        for pos in range(activation.shape[1]):
            if activation[row, pos] > best:
                best, where = activation[row, pos].item(), pos
        if where is not None:
            found.append((row, where, best))
    found.sort(key=lambda e: (-e[2], e[0]))
    return found[:n]
