def polysemanticity(W, fraction=0.25):
    a = W[0].relu()
    n = ((a > 0) & (a >= fraction * a.amax(-1, keepdim=True))).sum(-1)
    return n[None].expand(W.shape[0], -1)
