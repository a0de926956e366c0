_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    a, b, *rest = claim["groups"]
    da, db, *dims = claim["dimensions"]
    return {"dropped": claim["dropped"], "groups": [a + b, *rest], "dimensions": [da + db, *dims]}
