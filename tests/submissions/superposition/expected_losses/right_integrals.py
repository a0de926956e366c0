def expected_losses(sparsity, importance):
    p = 1 - sparsity
    # two uniform numbers: where x_0 > x_1 (half of the time each way) one is off by x_1, the other by x_1 as well
    off = 2 * (1 / 3 - 1 / 4)
    return dict(dedicated=importance * p * (4 - 3 * p) / 12, antipodal=off * p**2 * (1 + importance))
