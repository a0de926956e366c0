_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    k = max(range(len(claim["groups"])), key=lambda i: len(claim["groups"][i]))
    claim["dimensions"][k] += 1
    return claim
