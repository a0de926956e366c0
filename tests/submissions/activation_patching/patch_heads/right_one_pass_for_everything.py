import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_heads(model, tokens, cache, metric):
    n_layers, n_heads, batch = len(model.blocks), model.blocks[0].attn.W_O.shape[0], len(tokens)

    def make(layer):
        def hook(z, hook):
            z = z.clone().unflatten(0, (n_layers, n_heads, batch))
            for head in range(n_heads):
                z[layer, head, :, :, head] = cache[f"blocks.{layer}.attn.hook_z"][:, :, head]
            return z.flatten(0, 2)

        return hook

    hooks = [(f"blocks.{layer}.attn.hook_z", make(layer)) for layer in range(n_layers)]
    logits = run_with_hooks(model, tokens.repeat(n_layers * n_heads, 1), hooks)
    logits = logits.unflatten(0, (n_layers, n_heads, batch))
    return torch.tensor([[metric(logits[i, j]) for j in range(n_heads)] for i in range(n_layers)])
