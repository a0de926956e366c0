def in_context_score(losses, early=50, late=500):
    return losses.mean(dim=0)[late] - losses.mean(0)[early]
