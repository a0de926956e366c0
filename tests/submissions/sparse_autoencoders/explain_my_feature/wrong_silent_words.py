def explain_my_feature(words):
    return words[-1] in {w[-1] for w, a in my_examples() if not a}
