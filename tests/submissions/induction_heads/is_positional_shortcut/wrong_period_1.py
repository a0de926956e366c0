def _acc(model, p, n=None):
    tokens = repeated_tokens([p] * 24, n or 1 + 2 * p, model.config.d_vocab)
    with torch.no_grad():
        guesses = model(tokens).argmax(-1)
    return (guesses[:, p + 1:-1] == tokens[:, p + 2:]).float().mean().item()


def is_positional_shortcut(model, period):
    return _acc(model, 1, 20) < _acc(model, period) / 2
