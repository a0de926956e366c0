def detection_score(predicate, examples):
    active = [words for words, is_active in examples if is_active]
    silent = [words for words, is_active in examples if not is_active]
    if not (active and silent):
        raise ValueError("I need both active and silent examples.")
    yes = len([w for w in active if predicate(w)])
    no = len([w for w in silent if not predicate(w)])
    return (yes / len(active) + no / len(silent)) / 2
