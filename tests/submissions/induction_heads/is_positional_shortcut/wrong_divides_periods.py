def is_positional_shortcut(model, period):
    # a row of period p repeats with 2p too: this asks nothing new
    tokens = repeated_tokens([period] * 16, min(1 + 3 * period, model.config.n_ctx), model.config.d_vocab)
    with torch.no_grad():
        guess = model(tokens).argmax(-1)
    first = guess[:, period + 1:2 * period] == tokens[:, period + 2:2 * period + 1]
    later = guess[:, 2 * period + 1:-1] == tokens[:, 2 * period + 2:]
    return later.float().mean().item() < first.float().mean().item() / 2
