import torch


def logit_lens(model, cache):
    out = []
    for layer in range(len(model.blocks)):
        out.append(model.ln_final(cache["blocks.%d.hook_resid_pre" % layer]) @ model.W_U)
    out.append(cache["ln_final.hook_normalized"] @ model.W_U)
    return torch.stack(out)
