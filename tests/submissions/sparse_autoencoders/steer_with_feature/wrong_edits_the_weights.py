def steer_with_feature(model, tokens, site, direction, alpha):
    with torch.no_grad():
        model.W_E += alpha * direction
        return model(tokens)
