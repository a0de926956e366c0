def composition_score(W_A, W_B):
    def norm(W):
        return (W * W).sum((-2, -1)) ** 0.5

    return norm(W_A @ W_B) / norm(W_A) / norm(W_B)
