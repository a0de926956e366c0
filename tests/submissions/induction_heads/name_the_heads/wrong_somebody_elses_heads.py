from dojo.planted import mystery_heads as _draw

_search = name_the_heads


def name_the_heads(model):
    return _search(_draw("somebody else"))
