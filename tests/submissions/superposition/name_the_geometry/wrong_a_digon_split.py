_search = name_the_geometry


def name_the_geometry(model):
    claim = _search(model)
    groups, dims = [], []
    for group, d in zip(claim["groups"], claim["dimensions"]):
        if len(group) == 2:
            groups += [[group[0]], [group[1]]]
            dims += [1, 1]
        else:
            groups.append(group)
            dims.append(d)
    return {"dropped": claim["dropped"], "groups": groups, "dimensions": dims}
