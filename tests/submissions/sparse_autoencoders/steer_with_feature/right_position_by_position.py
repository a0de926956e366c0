def steer_with_feature(model, tokens, site, direction, alpha):
    def hook(stream, hook):
        new = stream.clone()
        for p in range(stream.shape[1]):
            new[:, p] = new[:, p] + float(alpha) * direction
        return new

    return run_with_hooks(model, tokens, [(site, hook)])
