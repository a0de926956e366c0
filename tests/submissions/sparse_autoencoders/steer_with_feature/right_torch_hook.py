def steer_with_feature(model, tokens, site, direction, alpha):
    handle = model.get_submodule(site).register_forward_hook(lambda m, a, out: out + alpha * direction)
    try:
        return model(tokens)
    finally:
        handle.remove()
