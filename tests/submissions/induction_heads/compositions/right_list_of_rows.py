import torch


class UnknownKind(ValueError):
    pass


def compositions(model, kind, earlier=0, later=1):
    w = model.state_dict()

    def get(layer, name):
        return w[f"blocks.{layer}.attn.W_{name}"]

    if kind == "V":
        B = get(later, "V") @ get(later, "O")
    elif kind in ("Q", "K"):
        other = "K" if kind == "Q" else "Q"
        B = get(later, kind) @ get(later, other).mT
    else:
        raise UnknownKind(kind)
    A = get(earlier, "V") @ get(earlier, "O")
    return torch.stack([composition_score(a, B) for a in A])
