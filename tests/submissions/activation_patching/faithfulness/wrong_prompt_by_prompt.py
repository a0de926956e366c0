import torch


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    with torch.no_grad():
        full = torch.stack([metric(x[None]) for x in model(tokens)])
        empty = torch.stack([metric(x[None]) for x in mean_ablate_except(model, tokens, [], reference_tokens)])
        kept = torch.stack([metric(x[None]) for x in mean_ablate_except(model, tokens, circuit, reference_tokens)])
    return float(((kept - empty) / (full - empty)).mean())
