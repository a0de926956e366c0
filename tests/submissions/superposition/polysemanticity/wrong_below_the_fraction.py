def polysemanticity(W, fraction=0.25):
    a = W.relu()
    return ((a > 0) & (a >= (1 - fraction) * a.amax(-1, keepdim=True))).sum(-1)
