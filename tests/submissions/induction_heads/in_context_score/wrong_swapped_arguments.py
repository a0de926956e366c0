def in_context_score(losses, late=500, early=50):
    return (losses[:, late] - losses[:, early]).mean()
