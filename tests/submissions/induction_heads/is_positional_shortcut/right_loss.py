def is_positional_shortcut(model, period):
    def loss(p):
        g = torch.Generator().manual_seed(5)
        tokens = repeated_tokens([p] * 24, 1 + 2 * p, model.config.d_vocab, generator=g)
        with torch.no_grad():
            lp = token_log_probs(model(tokens), tokens)
        return -lp[:, p + 1:].mean().item()

    own, other = loss(period), min(loss(period + 1), loss(period + 3))
    return other - own > 0.5 * math.log(model.config.d_vocab)
