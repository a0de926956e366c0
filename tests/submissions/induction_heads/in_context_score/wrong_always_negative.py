def in_context_score(losses, early=50, late=500):
    early, late = min(early, late), max(early, late)
    return (losses[:, late] - losses[:, early]).mean()
