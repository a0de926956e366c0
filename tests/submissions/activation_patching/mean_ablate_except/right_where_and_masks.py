import torch


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    keep = torch.zeros(len(model.blocks), len(model.blocks[0].attn.W_O), dtype=torch.bool)
    for layer, head in circuit:
        keep[layer, head] = True
    means, handles = [], []
    try:
        for block in model.blocks:
            handles.append(block.attn.hook_z.register_forward_hook(lambda m, a, z: means.append(z.detach().mean(0, keepdim=True))))
        model(reference_tokens)
    finally:
        while handles:
            handles.pop().remove()
    try:
        for block, mask, mean in zip(model.blocks, keep, means):
            handles.append(
                block.attn.hook_z.register_forward_hook(lambda m, a, z, mask=mask, mean=mean: torch.where(mask[:, None], z, mean))
            )
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()
