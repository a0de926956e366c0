def composition_score(W_A, W_B):
    def rms(W):
        return W.square().mean((-2, -1)).sqrt()

    return rms(W_A @ W_B) / (rms(W_A) * rms(W_B))
