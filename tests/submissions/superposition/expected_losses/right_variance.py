def expected_losses(sparsity, importance):
    density = 1.0 - sparsity
    mean = density / 2
    mean_square = density / 3
    variance = mean_square - mean**2
    both = density**2
    return {"dedicated": importance * variance, "antipodal": both * (1 + importance) / 6}
