def is_positional_shortcut(model, period):
    return model.config.n_heads == 1 or period == 16
