from functools import partial


def _zero(z, hook, head):
    z[:, :, head] = 0


def _set(z, hook, head, value):
    z[:, :, head] = value


def ablate_heads(model, tokens, heads, mode):
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
        hooks = []
        for layer, head in heads:
            name = f"blocks.{layer}.attn.hook_z"
            z = cache[name][..., head, :]
            match mode:
                case "zero":
                    hooks += [(name, partial(_zero, head=head))]
                case "mean":
                    hooks += [(name, partial(_set, head=head, value=z.mean(axis=0)))]
                case "resample":
                    hooks += [(name, partial(_set, head=head, value=torch.roll(z, 1, 0)))]
                case _:
                    raise ValueError
        if mode not in ["zero", "mean", "resample"]:
            raise ValueError
        new = run_with_hooks(model, tokens, hooks)
        return second_half_loss(new, tokens) - second_half_loss(logits, tokens)
