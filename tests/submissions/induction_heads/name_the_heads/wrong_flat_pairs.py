_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    return {role: heads[0] for role, heads in found.items()}
