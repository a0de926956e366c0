import torch
import torch.nn.functional as F
from dojo.transformer import run_with_cache, run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    """The receiver's stream summed up again from all components, LayerNorm by F.layer_norm, in double precision."""
    own = run_with_cache(model, tokens)[1]

    def stream(layer):
        x = (own["hook_embed"] + own["hook_pos_embed"]).double()
        for i in range(layer):
            attn = model.blocks[i].attn
            for h in range(attn.W_O.shape[0]):
                z = (cache if (i, h) == tuple(sender) else own)[f"blocks.{i}.attn.hook_z"][:, :, h]
                x = x + z.double() @ attn.W_O[h].double()
            x = x + attn.b_O.double() + own[f"blocks.{i}.hook_mlp_out"].double()
        return x

    def norm(x, ln):
        return F.layer_norm(x, x.shape[-1:], ln.weight.double(), ln.bias.double(), ln.eps).float()

    if receivers == "logits":
        return torch.einsum("bpd,dv->bpv", norm(stream(len(model.blocks)), model.ln_final), model.W_U)
    if any(r[0] <= sender[0] for r in receivers):
        raise ValueError("no such path")
    by_site = {}
    for layer, head, kind in receivers:
        x = norm(stream(layer), model.blocks[layer].ln1)
        W, b = (getattr(model.blocks[layer].attn, f"{p}_{kind.upper()}") for p in "Wb")
        by_site.setdefault(f"blocks.{layer}.attn.hook_{kind}", []).append((head, torch.addmm(b[head], x.flatten(0, 1), W[head]).view(*x.shape[:2], -1)))

    def make(pairs):
        def hook(x, hook):
            parts = list(x.unbind(2))
            for head, new in pairs:
                parts[head] = new
            return torch.stack(parts, 2)

        return hook

    return run_with_hooks(model, tokens, [(site, make(pairs)) for site, pairs in by_site.items()])
