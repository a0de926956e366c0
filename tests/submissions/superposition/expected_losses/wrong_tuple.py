def expected_losses(sparsity, importance):
    p = 1 - sparsity
    return importance * (p / 3 - p**2 / 4), (1 + importance) * p**2 / 6
