import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_head_inputs(model, tokens, cache, metric):
    """A head's pattern is a function of its queries and keys: exchange both."""
    n_layers, n_heads = model.config.n_layers, model.config.n_heads
    out = torch.zeros(4, n_layers, n_heads)
    for i, names in enumerate(["q", "k", "v", "qk"]):
        for layer in range(n_layers):

            def make(name):
                def hook(x, hook):
                    x = x.reshape(n_heads, len(tokens), *x.shape[1:]).clone()
                    other = cache[f"blocks.{layer}.attn.hook_{name}"]
                    for h in range(n_heads):
                        x[h, :, :, h, :] = other[:, :, h, :]
                    return x.flatten(0, 1)

                return hook

            hooks = [(f"blocks.{layer}.attn.hook_{n}", make(n)) for n in names]
            logits = run_with_hooks(model, torch.cat([tokens] * n_heads), hooks)
            for h, part in enumerate(logits.chunk(n_heads)):
                out[i, layer, h] = metric(part)
    return out
