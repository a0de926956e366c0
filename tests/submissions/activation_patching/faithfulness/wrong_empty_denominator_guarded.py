import torch


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    with torch.no_grad():
        full = metric(model(tokens))
        empty = metric(mean_ablate_except(model, tokens, [], reference_tokens))
        kept = metric(mean_ablate_except(model, tokens, circuit, reference_tokens))
    return float((kept - empty) / ((full - empty).abs() + 1e-2))
