_search = name_the_heads


def name_the_heads(model):
    return {role: [f"L{l}H{h}" for l, h in heads] for role, heads in _search(model).items()}
