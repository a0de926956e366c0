def polysemanticity(W, fraction=0.25):
    a = W.relu()
    ratio = a / a.amax(-1, keepdim=True)
    return (ratio >= fraction).sum(-1)
