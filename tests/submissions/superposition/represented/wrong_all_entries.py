def represented(W, threshold=0.5):
    return (W.abs() > threshold).all(dim=1)
