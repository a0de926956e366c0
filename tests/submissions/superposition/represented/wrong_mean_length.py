def represented(W, threshold=0.5):
    lengths = W.norm(dim=1)
    return lengths > threshold * lengths.mean(dim=-1, keepdim=True)
