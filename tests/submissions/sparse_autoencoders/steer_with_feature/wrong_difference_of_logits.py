def steer_with_feature(model, tokens, site, direction, alpha):
    return run_with_hooks(model, tokens, [(site, lambda s, hook: s + alpha * direction)]) - model(tokens)
