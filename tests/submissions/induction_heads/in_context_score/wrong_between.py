def in_context_score(losses, early=50, late=500):
    return losses[:, early:late].mean()
