def is_positional_shortcut(model, period):
    # does ablating layer 0 hurt?
    tokens = repeated_tokens([period] * 24, 1 + 2 * period, model.config.d_vocab)
    heads = [(0, h) for h in range(model.config.n_heads)]
    return ablate_heads(model, tokens, heads, "mean") < 1.0
