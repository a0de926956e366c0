def represented(W, threshold=0.5):
    return W.norm(dim=2) > threshold
