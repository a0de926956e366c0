def feature_density(f):
    flat = f.flatten(0, -2)
    return (flat > flat.mean(0)).float().mean(0)
