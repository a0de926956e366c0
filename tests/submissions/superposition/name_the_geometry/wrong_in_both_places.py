_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    claim["groups"] += [[f] for f in claim["dropped"]]
    claim["dimensions"] += [1] * len(claim["dropped"])
    return claim
