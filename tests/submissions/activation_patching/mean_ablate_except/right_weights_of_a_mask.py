import torch
from dojo.transformer import run_with_cache, run_with_hooks


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    circuit = frozenset((int(layer), int(head)) for layer, head in circuit)
    _, reference = run_with_cache(model, reference_tokens)

    def mix(layer):
        name = f"blocks.{layer}.attn.hook_z"
        mean = reference[name].double().mean(dim=0).float()
        on = torch.tensor([float((layer, h) in circuit) for h in range(mean.shape[1])])[:, None]
        return name, lambda z, hook: on * z + (1 - on) * mean

    return run_with_hooks(model, tokens, [mix(layer) for layer in range(len(model.blocks))])
