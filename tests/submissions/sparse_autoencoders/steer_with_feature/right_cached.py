def steer_with_feature(model, tokens, site, direction, alpha):
    stream = run_with_cache(model, tokens, [site])[1][site]
    steered = stream + torch.mul(direction, alpha).expand(stream.shape)
    return run_with_hooks(model, tokens, [(site, lambda s, hook: steered)])
