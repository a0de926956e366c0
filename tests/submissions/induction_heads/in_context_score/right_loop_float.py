def in_context_score(losses, early=50, late=500):
    total = 0.0
    for row in losses:
        total += row[late].item() - row[early].item()
    return total / len(losses)
