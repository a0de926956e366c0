def composition_score(W_A, W_B):
    def norm(W):
        return W.square().sum((-2, -1)).sqrt()

    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B) + 1)
