def steer_with_feature(model, tokens, site, direction, alpha):
    def hook(s, hook):
        new = s + alpha * direction
        return new * s.norm(dim=-1, keepdim=True) / new.norm(dim=-1, keepdim=True)

    return run_with_hooks(model, tokens, [(site, hook)])
