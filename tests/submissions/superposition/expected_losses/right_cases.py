def expected_losses(sparsity, importance):
    p, s = 1 - sparsity, sparsity
    b = p / 2
    there = ((1 - b) ** 3 + b**3) / 3  # integral of (x - b)^2 over [0, 1]
    dedicated = importance * (p * there + s * b**2)
    only_first, only_second, neither = 0.0, 0.0, 0.0
    both = 1 / 6 + importance / 6
    antipodal = p * s * only_first + s * p * only_second + s * s * neither + p * p * both
    return {"antipodal": antipodal, "dedicated": dedicated}
