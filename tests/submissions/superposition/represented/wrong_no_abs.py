def represented(W, threshold=0.5):
    return W.max(dim=1).values > threshold
