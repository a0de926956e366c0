def detection_score(predicate, examples):
    tp = fn = tn = fp = 0
    for words, active in examples:
        yes = True if predicate(words) else False
        if active and yes:
            tp += 1
        elif active:
            fn += 1
        elif yes:
            fp += 1
        else:
            tn += 1
    if tp + fn == 0 or tn + fp == 0:
        raise ValueError("examples of both kinds are needed")
    return 0.5 * tp / (tp + fn) + 0.5 * tn / (tn + fp)
