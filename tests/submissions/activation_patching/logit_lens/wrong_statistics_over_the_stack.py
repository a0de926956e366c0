import torch
import torch.nn.functional as F


def logit_lens(model, cache):
    n = len(model.blocks)
    xs = torch.stack([cache[f"blocks.{i}.hook_resid_pre"] for i in range(n)] + [cache[f"blocks.{n - 1}.hook_resid_post"]])
    xs = F.layer_norm(xs, xs.shape[2:]) * model.ln_final.weight + model.ln_final.bias
    return xs @ model.W_U
