def detection_score(predicate, examples):
    groups = {}
    for words, active in examples:
        groups.setdefault(active, []).append(words)
    if len(groups) < 2:
        raise ValueError
    return sum(bool(predicate(g[0])) == kind for kind, g in groups.items()) / 2
