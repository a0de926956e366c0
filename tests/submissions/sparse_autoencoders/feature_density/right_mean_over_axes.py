def feature_density(f):
    return (f != 0).to(f.dtype).mean(dim=list(range(f.dim() - 1)))
