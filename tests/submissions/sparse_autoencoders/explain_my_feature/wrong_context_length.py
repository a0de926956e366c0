def explain_my_feature(words):
    return len(words) > 12
