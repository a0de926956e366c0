import torch
from dojo.transformer import run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    kind = site.split("_")[-1]
    mask = torch.zeros(value.shape, dtype=torch.bool)
    if kind == "pattern":
        view = mask.permute(2, 1, 0, 3)  # query, head first
    elif kind in ("q", "k", "v", "z"):
        view = mask.permute(1, 2, 0, 3)
    else:
        if head is not None:
            raise ValueError("this site has no heads")
        view = mask.permute(1, 0, 2).unsqueeze(1)
    positions = range(view.shape[0]) if position is None else [position]
    heads = range(view.shape[1]) if head is None else [head]
    for p in positions:
        for h in heads:
            view[p, h] = True
    return run_with_hooks(model, tokens, [(site, lambda a, hook: torch.where(mask, value, a))])
