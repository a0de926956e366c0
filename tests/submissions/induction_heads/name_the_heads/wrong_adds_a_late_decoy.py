_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    taken = found["previous_token"] + found["induction"]
    free = [(l, h) for l in range(3) for h in range(4) if (l, h) not in taken]
    return {"previous_token": found["previous_token"], "induction": found["induction"] + free[-1:]}
