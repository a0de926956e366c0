def composition_score(W_A, W_B):
    n = lambda W: W.norm(dim=-2).norm(dim=-1)
    return n(W_A @ W_B) / (n(W_A) * W_B.norm(dim=-1).sum(-1))
