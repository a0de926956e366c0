def steer_with_feature(model, tokens, site, direction, alpha):
    def fn(s, hook):
        return s + alpha * direction

    return run_with_hooks(model, tokens, [(site, fn), (site, fn)])
