def is_positional_shortcut(model, period):
    # shift the second copy by one place: insert one random token between the copies
    g = torch.Generator().manual_seed(11)
    tokens = repeated_tokens([period] * 40, 1 + 2 * period, model.config.d_vocab, generator=g)
    extra = torch.randint(1, model.config.d_vocab, (40, 2), generator=g)
    shifted = torch.cat([tokens[:, : 1 + period], extra, tokens[:, 1 + period:]], dim=1)

    def right(t, first):
        with torch.no_grad():
            guess = model(t).argmax(-1)
        return float((guess[:, first:-1] == t[:, first + 1:]).float().mean())

    return right(shifted, period + 3) < 0.5 * right(tokens, period + 1)
