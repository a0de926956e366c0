import torch
from dojo.transformer import run_with_hooks


def patch_head_inputs(model, tokens, cache, metric):
    names, layers, heads = ["q", "k", "v", "pattern"], len(model.blocks), len(model.blocks[0].attn.b_Q)
    batch = tokens.size(0)

    def make(i, layer):
        def hook(x, hook):
            x = x.clone().view(4, layers, heads, batch, *x.shape[1:])
            axis = 1 if names[i] == "pattern" else 2
            for h in range(heads):
                x[i, layer, h].select(axis, h).copy_(cache[f"blocks.{layer}.attn.hook_{names[i]}"].select(axis, h))
            return x.flatten(0, 3)

        return hook

    hooks = [(f"blocks.{b}.attn.hook_{names[i]}", make(i, b)) for i in range(4) for b in range(layers)]
    with torch.inference_mode():
        logits = run_with_hooks(model, tokens.repeat(4 * layers * heads, 1), hooks)
        values = [float(metric(part)) for part in logits.split(batch)]
    return torch.tensor(values).view(4, layers, heads)
