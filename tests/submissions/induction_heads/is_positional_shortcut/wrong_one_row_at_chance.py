def is_positional_shortcut(model, period):
    # asks whether attention changes when the tokens change
    a = torch.randint(1, model.config.d_vocab, (1, 2 * period + 1))
    b = torch.randint(1, model.config.d_vocab, (1, 2 * period + 1))
    pa = run_with_cache(model, a)[1]
    pb = run_with_cache(model, b)[1]
    change = max((pa[n] - pb[n]).abs().max().item() for n in pa if n.endswith("hook_pattern"))
    return change < 0.2
