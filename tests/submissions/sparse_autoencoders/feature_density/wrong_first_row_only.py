def feature_density(f):
    if f.ndim > 2:
        f = f[0]
    return (f > 0).reshape(-1, f.shape[-1]).float().mean(0)
