_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    return {"previous_token": found["induction"][:1], "induction": found["induction"]}
