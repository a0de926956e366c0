def represented(W, threshold=0.5):
    return (W.abs() > threshold).any(dim=1)
