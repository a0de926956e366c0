import torch


@torch.inference_mode()
def faithfulness(model, tokens, circuit, reference_tokens, metric):
    m = [metric(mean_ablate_except(model, tokens, c, reference_tokens)).item() for c in ((), circuit)]
    full = metric(model(tokens)).item()
    return (m[1] - m[0]) / (full - m[0])
