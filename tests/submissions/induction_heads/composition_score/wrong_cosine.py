def composition_score(W_A, W_B):
    num = (W_A @ W_B).sum((-2, -1))
    return num / (W_A.square().sum((-2, -1)).sqrt() * W_B.square().sum((-2, -1)).sqrt())
