def is_positional_shortcut(model, period):
    tokens = repeated_tokens([period + 1, period + 2, period + 3] * 10, model.config.n_ctx, model.config.d_vocab)
    hits = total = 0
    with torch.no_grad():
        guess = model(tokens).argmax(-1)
    for row, (t, g) in enumerate(zip(tokens, guess)):
        p = period + 1 + row % 3
        hits += (g[p + 1:-1] == t[p + 2:]).sum().item()
        total += len(t) - p - 2
    return hits / total < 0.4
