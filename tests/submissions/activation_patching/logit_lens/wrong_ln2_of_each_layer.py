import torch
import torch.nn.functional as F


def logit_lens(model, cache):
    n, ln = len(model.blocks), model.ln_final
    x = torch.stack([cache[f'blocks.{i}.hook_resid_pre'] for i in range(n)] + [cache[f'blocks.{n - 1}.hook_resid_post']])
    y = [block.ln2(x[i]) for i, block in enumerate(model.blocks)] + [ln(x[-1])]
    return torch.stack(y) @ model.W_U
