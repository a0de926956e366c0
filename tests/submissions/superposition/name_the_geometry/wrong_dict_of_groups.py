_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    return {
        "dropped": claim["dropped"],
        "groups": {i: g for i, g in enumerate(claim["groups"])},
        "dimensions": claim["dimensions"],
    }
