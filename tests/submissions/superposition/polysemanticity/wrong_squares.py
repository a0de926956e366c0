def polysemanticity(W, fraction=0.25):
    a = W.relu() ** 2
    return ((a > 0) & (a >= fraction * a.amax(-1, keepdim=True))).sum(-1)
