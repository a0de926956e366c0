def explain_my_feature(words):
    first = next(w for w, a in my_examples() if a)
    return words == first
