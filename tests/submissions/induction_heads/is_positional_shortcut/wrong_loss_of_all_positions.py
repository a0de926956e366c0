def is_positional_shortcut(model, period):
    p = period + 2
    tokens = repeated_tokens([p] * 16, 1 + 2 * p, model.config.d_vocab)
    with torch.no_grad():
        return -token_log_probs(model(tokens), tokens).mean().item() > 1.5
