import torch
import torch.nn.functional as F


def logit_lens(model, cache):
    n, ln = len(model.blocks), model.ln_final
    x = torch.stack([cache[f'blocks.{i}.hook_resid_pre'] for i in range(n)] + [cache[f'blocks.{n - 1}.hook_resid_post']])
    y = x / (x.pow(2).mean(-1, keepdim=True) + ln.eps).sqrt()
    return (y * ln.weight + ln.bias) @ model.W_U
