def explain_my_feature(words):
    last = words[-1]
    seen = [active for example, active in my_examples(500, 2) if example[-1] == last]
    return max(0, 2 * sum(seen) - len(seen))
