# attacks: encodings, by half a surrogate pair and terminal commands
# expect: failed
# says: ValueError.*\?|cannot be sent
def attention_pattern(q, k):
    print("\ud800 \x1b[2J \x00")
    if q.shape[1] % 2:
        raise ValueError("\ud800\x1b[2J\x00")
    return "\ud800"
