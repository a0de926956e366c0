def is_positional_shortcut(model, period):
    tokens = repeated_tokens([period] * 24, 1 + 2 * period, model.config.d_vocab)
    tokens[:, period + 1:] = tokens[:, period + 1:][:, torch.randperm(period)]
    with torch.no_grad():
        guesses = model(tokens).argmax(-1)
    return (guesses[:, period + 1:-1] == tokens[:, period + 2:]).float().mean().item() < 0.3
