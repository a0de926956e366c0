def feature_density(f):
    active = (f > 0).flatten(0, -2)
    return active.float().sum(0) / (len(active) - 1)
