def is_positional_shortcut(model, period):
    return bool(compositions(model, "K").max() < 0.2)
