def composition_score(W_A, W_B):
    return (W_A @ W_B).abs().amax((-2, -1)) / (W_A.abs().amax((-2, -1)) * W_B.abs().amax((-2, -1)))
