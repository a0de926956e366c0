def steer_with_feature(model, tokens, site, direction, alpha):
    return run_with_hooks(model, tokens, [("blocks.0.hook_resid_pre", lambda s, hook: s + alpha * direction)])
