def top_activating_examples(activation, n):
    best = activation.amax(dim=1)
    where = activation.argmax(dim=1)
    order = torch.sort(best, descending=True, stable=True).indices
    order = order[best[order] > 0][:n]
    return [[i, where[i], best[i]] for i in order]
