def in_context_score(losses, early=50, late=500):
    return (losses[:, abs(late)] - losses[:, abs(early)]).mean()
