import torch
import torch.nn.functional as F


def logit_lens(model, cache):
    xs = [cache["hook_embed"] + cache["hook_pos_embed"]]
    xs += [cache[f"blocks.{i}.hook_resid_post"] for i in range(len(model.blocks))]
    ln = model.ln_final
    ys = F.layer_norm(torch.stack(xs), ln.weight.shape, ln.weight, ln.bias, ln.eps)
    return torch.einsum("lbpd,dv->lbpv", ys, model.W_U)
