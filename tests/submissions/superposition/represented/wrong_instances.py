def represented(W, threshold=0.5):
    return threshold < W.norm(dim=0).T
