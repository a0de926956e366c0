def feature_density(f):
    active = (f > 0).flatten(0, -2)
    return (active.sum(0) // len(active)).float()
