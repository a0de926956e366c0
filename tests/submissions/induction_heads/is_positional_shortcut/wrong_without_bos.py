def is_positional_shortcut(model, period):
    tokens = repeated_tokens([period] * 24, 1 + 2 * period, model.config.d_vocab)[:, 1:]
    with torch.no_grad():
        guesses = model(tokens).argmax(-1)
    return (guesses[:, period:-1] == tokens[:, period + 1:]).float().mean().item() < 0.5
