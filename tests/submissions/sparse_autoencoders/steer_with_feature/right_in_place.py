def steer_with_feature(model, tokens, site, direction, alpha):
    def hook(stream, hook):
        stream += alpha * direction[None, None, :]
        return stream

    with torch.no_grad():
        return run_with_hooks(model, tokens, [(site, hook)])
