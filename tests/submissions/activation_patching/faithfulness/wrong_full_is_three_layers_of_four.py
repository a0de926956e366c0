import torch


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    with torch.no_grad():
        full = metric(mean_ablate_except(model, tokens, [(i, j) for i in range(3) for j in range(4)], reference_tokens))
        empty = metric(mean_ablate_except(model, tokens, [], reference_tokens))
        kept = metric(mean_ablate_except(model, tokens, circuit, reference_tokens))
    return float((kept - empty) / (full - empty))
