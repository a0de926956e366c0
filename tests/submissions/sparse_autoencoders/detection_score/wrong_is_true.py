def detection_score(predicate, examples):
    active = [predicate(w) is True for w, a in examples if a]
    silent = [predicate(w) is not True for w, a in examples if not a]
    if not active or not silent:
        raise ValueError
    return (sum(active) / len(active) + sum(silent) / len(silent)) / 2
