def explain_my_feature(words):
    return words[-1].strip().lower() in "the of and to a in".split()
