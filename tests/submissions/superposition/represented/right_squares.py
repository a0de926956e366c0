def represented(W, threshold=0.5):
    return (W * W).sum(1) > threshold**2
