def expected_losses(sparsity, importance):
    p = 1 - sparsity
    return {"dedicated": importance * (p / 3 - p**2 / 4), "antipodal": (1 + importance) * p**2 / 4}
