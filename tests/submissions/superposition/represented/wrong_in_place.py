def represented(W, threshold=0.5):
    return W.pow_(2).sum(1).sqrt() > threshold
