import torch


@torch.no_grad()
def patch_head_inputs(model, tokens, cache, metric):
    out = []
    for name in ("q", "k", "v", "pattern"):
        axis = 1 if name == "pattern" else 2
        for layer, block in enumerate(model.blocks):
            other, n = cache[f"blocks.{layer}.attn.hook_{name}"], len(block.attn.W_O)
            now = [name, layer]
            state = {"on": True}

            def hook(module, args, x, other=other, axis=axis, n=n, state=state):
                if not state["on"]:
                    return x
                x = x.unflatten(0, (n, -1)).clone()
                for h in range(n):
                    x[h].select(axis, h).copy_(other.select(axis, h))
                return x.flatten(0, 1)

            getattr(block.attn, f"hook_{now[0]}").register_forward_hook(hook)
            out.append(torch.stack([metric(part) for part in model(tokens.repeat(n, 1)).chunk(n)]))
            state["on"] = False
    return torch.stack(out).unflatten(0, (4, -1))
