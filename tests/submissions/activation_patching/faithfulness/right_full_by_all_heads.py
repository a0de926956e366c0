import torch


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    every = {(layer, head) for layer, block in enumerate(model.blocks) for head in range(block.attn.W_O.shape[0])}
    values = {}
    for name, kept in {"full": every, "empty": set(), "circuit": set(map(tuple, circuit))}.items():
        values[name] = metric(mean_ablate_except(model, tokens, kept, reference_tokens).detach())
    return 1 - ((values["full"] - values["circuit"]) / (values["full"] - values["empty"])).item()
