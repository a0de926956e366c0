def represented(W, threshold=0.5):
    W = W / W.norm(dim=1, keepdim=True).clamp(min=1e-8)
    return W.norm(dim=1) > threshold
