def polysemanticity(W, fraction=0.25):
    return (W >= fraction * W.max(dim=-1, keepdim=True).values).sum(dim=-1)
