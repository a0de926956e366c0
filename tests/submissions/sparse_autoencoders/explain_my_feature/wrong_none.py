def explain_my_feature(words):
    words[-1] in {w[-1] for w, a in my_examples() if a}
