import torch
from dojo.transformer import run_with_cache, run_with_hooks


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    def run(kept):
        hooks = []
        for layer in range(len(model.blocks)):
            site = f"blocks.{layer}.attn.hook_z"
            mean = run_with_cache(model, reference_tokens, [site])[1][site].mean(0)

            def hook(z, hook, layer=layer, mean=mean):
                heads = [z[:, :, h] if (layer, h) in kept else mean[:, h].expand(len(z), -1, -1) for h in range(z.shape[2])]
                return torch.stack(heads, dim=2)

            hooks.append((site, hook))
        return metric(run_with_hooks(model, tokens, hooks)).detach()

    with torch.no_grad():
        low, high = run(()), metric(model(tokens))
        return torch.div(run(circuit) - low, high - low).numpy().item()
