_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    first, second = sorted(claim["groups"], key=len)[-2:]
    first.append(second.pop())
    return claim
