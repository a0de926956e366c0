import copy


def ablate_heads(model, tokens, heads, mode):
    if mode not in ("zero", "mean", "resample"):
        raise ValueError("mode")
    clean = second_half_loss(model(tokens), tokens)
    if mode == "zero":
        other = copy.deepcopy(model)
        for layer, head in heads:
            other.blocks[layer].attn.W_O.data[head] = 0.0
        return second_half_loss(other(tokens), tokens) - clean
    cache = run_with_cache(model, tokens)[1]
    hooks = []
    for layer in set(layer for layer, _ in heads):
        mine = [h for l, h in heads if l == layer]
        full = cache[f"blocks.{layer}.attn.hook_z"]
        source = full.mean(0).repeat(len(tokens), 1, 1, 1) if mode == "mean" else full.roll(1, 0)

        def fn(act, hook, mine=mine, source=source):
            act = act.detach().clone()
            act[:, :, mine] = source[:, :, mine]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", fn))
    return second_half_loss(run_with_hooks(model, tokens, hooks), tokens) - clean
