_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    return found | {"induction": [(2, h) for h in range(4)]}
