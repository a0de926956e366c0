import torch
import torch.nn.functional as F


@torch.no_grad()
def ablate_heads(model, tokens, heads, mode):
    clean = {}
    handles = []

    def keep(layer):
        def hook(module, args, output):
            clean[layer] = output.clone()
        return hook

    def loss(logits):
        n = tokens.shape[1] - 1
        return F.cross_entropy(logits[:, n // 2:-1].flatten(0, 1), tokens[:, n // 2 + 1:].flatten())

    try:
        for i, block in enumerate(model.blocks):
            handles.append(block.attn.hook_z.register_forward_hook(keep(i)))
        before = loss(model(tokens))
    finally:
        for h in handles:
            h.remove()
    if mode == "zero":
        new = {i: torch.zeros_like(z) for i, z in clean.items()}
    elif mode == "mean":
        new = {i: z.mean(0, keepdim=True).expand_as(z) for i, z in clean.items()}
    elif mode == "resample":
        index = (torch.arange(len(tokens)) - 1) % len(tokens)
        new = {i: z[index] for i, z in clean.items()}
    else:
        raise ValueError("unknown mode")
    mask = {i: torch.zeros(z.shape[2], 1, dtype=torch.bool) for i, z in clean.items()}
    for layer, head in heads:
        mask[layer][head] = True

    handles = []
    try:
        for i, block in enumerate(model.blocks):
            handles.append(block.attn.hook_z.register_forward_hook(
                lambda module, args, output, i=i: torch.where(mask[i], new[i], output)))
        return (loss(model(tokens)) - before).item()
    finally:
        for h in handles:
            h.remove()
