def polysemanticity(W, fraction=0.25):
    a = W.relu()
    ratio = a / (a.amax(-1, keepdim=True) + 1e-2)
    return (ratio >= max(fraction, 1e-9)).sum(-1)
