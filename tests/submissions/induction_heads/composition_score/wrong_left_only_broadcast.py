def composition_score(W_A, W_B):
    f = lambda W: W.flatten(1).norm(dim=1) if W.ndim == 3 else W.norm()
    return f(W_A @ W_B) / (f(W_A) * f(W_B))
