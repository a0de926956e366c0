def in_context_score(losses, early=50, late=500):
    def w(i): return losses.roll(-(i - 1), 1)[:, :3].mean()
    return w(late) - w(early)
