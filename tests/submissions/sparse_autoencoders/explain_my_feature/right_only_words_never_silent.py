def explain_my_feature(words):
    yes = {w[-1] for w, a in my_examples(1000, 11) if a}
    often_silent = {}
    for w, a in my_examples(1000, 11):
        if not a:
            often_silent[w[-1]] = often_silent.get(w[-1], 0) + 1
    return words[-1] in yes and often_silent.get(words[-1], 0) < 3
