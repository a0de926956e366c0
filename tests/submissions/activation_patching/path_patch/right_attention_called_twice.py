import torch
from dojo.transformer import run_with_cache


def path_patch(model, tokens, cache, sender, receivers):
    """Own hooks; the receivers' inputs come from running the layer's attention on the changed stream."""
    layer, head = sender
    z = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        own = run_with_cache(model, tokens)[1]
        difference = cache[z] - own[z]
        only = torch.zeros_like(difference)
        only[:, :, head] = difference[:, :, head]
        delta = torch.einsum("bphd,hdm->bpm", only, model.blocks[layer].attn.W_O)
        if receivers == "logits":
            return model.ln_final(own[f"blocks.{len(model.blocks) - 1}.hook_resid_post"] + delta) @ model.W_U
        handles, registered = [], []
        try:
            for to, h, kind in receivers:
                if to <= layer:
                    raise ValueError("The receiver must come later.")
                block = model.blocks[to]
                stream = own[f"blocks.{to}.hook_resid_pre"] + delta
                values = {}
                point = getattr(block.attn, "hook_" + kind)
                spy = point.register_forward_pre_hook(lambda m, args: values.update(x=args[0].clone()))
                block.attn(block.ln1(stream))
                spy.remove()
                handles.append((point, h, values["x"]))
            for point, h, value in handles:

                def swap(module, args, output, h=h, value=value):
                    output = output.clone()
                    output[:, :, h].copy_(value[:, :, h])
                    return output

                registered.append(point.register_forward_hook(swap))
            return model(tokens)
        finally:
            for handle in registered:
                handle.remove()
