_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    big = max(claim["groups"], key=len)
    claim["dropped"].append(big.pop())
    return claim
