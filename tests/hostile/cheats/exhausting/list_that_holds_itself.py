# attacks: the encoder, by a list without a bottom
# expect: failed stopped
# says: nested


def attention_pattern(q, k):
    endless = []
    endless.append(endless)
    return {"pattern": endless}
