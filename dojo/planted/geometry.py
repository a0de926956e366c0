"""placeholder"""


def mystery_geometry(name: str):
    raise NotImplementedError
