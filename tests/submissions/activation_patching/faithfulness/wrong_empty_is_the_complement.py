import torch


def faithfulness(model, tokens, circuit, reference_tokens, metric):
    with torch.no_grad():
        full = metric(model(tokens))
        empty = metric(mean_ablate_except(model, tokens, [(i, j) for i in range(len(model.blocks)) for j in range(len(model.blocks[i].attn.W_O)) if (i, j) not in circuit], reference_tokens))
        kept = metric(mean_ablate_except(model, tokens, circuit, reference_tokens))
    return float((kept - empty) / (full - empty))
