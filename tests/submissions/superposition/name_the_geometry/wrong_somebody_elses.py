from dojo.planted import mystery_geometry

_search = name_the_geometry


def name_the_geometry(model):
    return _search(mystery_geometry("somebody else"))
