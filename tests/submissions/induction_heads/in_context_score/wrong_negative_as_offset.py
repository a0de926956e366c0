def in_context_score(losses, early=50, late=500):
    late = min(late, losses.shape[1] - 1)
    return losses[:, max(late, 0)].mean() - losses[:, max(early, 0)].mean()
