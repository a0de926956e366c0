_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    both = found["previous_token"] + found["induction"]
    return {"previous_token": both, "induction": both}
