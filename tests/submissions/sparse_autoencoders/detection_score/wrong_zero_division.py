def detection_score(predicate, examples):
    active = [bool(predicate(w)) for w, a in examples if a]
    silent = [not predicate(w) for w, a in examples if not a]
    return (sum(active) / len(active) + sum(silent) / len(silent)) / 2
