def expected_losses(sparsity, importance):
    # "only the smaller of the two is wrong"
    p = 1 - sparsity
    return {"dedicated": importance * (p / 3 - p**2 / 4), "antipodal": (0.5 + 0.5 * importance) * p**2 / 6}
