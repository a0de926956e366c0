def composition_score(W_A, W_B):
    AB = W_A @ W_B
    return AB.norm(dim=(0, 1)) / (W_A.norm(dim=(0, 1)) * W_B.norm(dim=(0, 1)))
