def detection_score(predicate, examples):
    n = {kind: sum(bool(a) is kind for _, a in examples) for kind in (True, False)}
    if 0 in n.values():
        raise ValueError("no score without both kinds")
    return sum((not predicate(words)) != bool(active) and 1 / (2 * n[bool(active)]) for words, active in examples)
