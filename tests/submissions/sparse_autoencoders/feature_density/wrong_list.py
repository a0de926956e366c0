def feature_density(f):
    return [(f[..., i] > 0).float().mean().item() for i in range(f.shape[-1])]
