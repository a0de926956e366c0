def feature_density(f):
    flat = f.flatten(0, -2)
    return (flat >= 0.05 * flat.max()).float().mean(0)
