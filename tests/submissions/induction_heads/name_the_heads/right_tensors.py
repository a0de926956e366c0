_search = name_the_heads


def name_the_heads(model):
    found = _search(model)
    return {role: [tuple(row) for row in torch.tensor(heads)] for role, heads in found.items()}
