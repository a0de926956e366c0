def in_context_score(losses, early=50, late=500):
    a, b = losses[:, early].mean(), losses[:, late].mean()
    return (b - a) / a
