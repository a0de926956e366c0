_search = name_the_heads


def name_the_heads(model):
    return _search(model) | {"duplicate_token": [(0, 0)]}
