def feature_density(f):
    active = f.sign()
    while active.ndim > 1:
        active = active.mean(0)
    return active
