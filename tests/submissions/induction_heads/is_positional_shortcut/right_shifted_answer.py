def is_positional_shortcut(model, period):
    # on a longer period: does the model answer with the token that stands period - 1 places back?
    p = period + 3
    tokens = repeated_tokens([p] * 32, 1 + 2 * p, model.config.d_vocab)
    logits = model(tokens)
    guess = logits.argmax(dim=-1)
    at = torch.arange(p + 1, 2 * p)
    counting = (guess[:, at] == tokens[:, at - period + 1]).float().mean()
    induction = (guess[:, at] == tokens[:, at + 1]).float().mean()
    return counting > induction
