def detection_score(predicate, examples):
    active = [bool(predicate(w)) for w, a in examples if a]
    silent = [not predicate(w) for w, a in examples if not a]
    if not active or not silent:
        raise ValueError
    return (sum(active) + sum(silent)) / (2 * max(len(active), len(silent)))
