def in_context_score(losses, early=50, late=500):
    losses = -losses
    return (losses[:, late] - losses[:, early]).mean()
