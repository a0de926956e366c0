def feature_density(f):
    return (f > 0).double().flatten(0, -2).mean(0)
