def in_context_score(losses, early=50, late=500):
    d = losses[:, late] - losses[:, early]
    return d.mean() / (d.std() + 1e-6)
