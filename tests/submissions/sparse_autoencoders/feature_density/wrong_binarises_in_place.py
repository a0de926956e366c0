def feature_density(f):
    f[f > 0] = 1
    return f.flatten(0, -2).mean(0)
