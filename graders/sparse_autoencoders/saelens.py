"""What SAELens computes from its files, written out one architecture at a time. For the judge's side only."""

import torch
from torch import Tensor


def activations(cfg: dict, weights: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """f and x_hat for x [n, d_in], in evaluation. One input and one latent at a time where it matters."""
    w = {name: value.double() for name, value in weights.items()}
    x = x.double()
    centred = x - w["b_dec"] if cfg.get("apply_b_dec_to_input", True) else x
    lengths = [1.0] * len(w["W_dec"])
    if cfg.get("rescale_acts_by_decoder_norm", False):
        lengths = [row.pow(2).sum().sqrt().item() for row in w["W_dec"]]
    f = torch.zeros(len(x), len(lengths), dtype=torch.float64)
    for i, length in enumerate(lengths):
        along = centred @ w["W_enc"][:, i]
        if cfg["architecture"] == "gated":
            size = along * w["r_mag"][i].exp() + w["b_mag"][i]
            f[:, i] = size.clamp(min=0) * (along + w["b_gate"][i] > 0)
        else:
            f[:, i] = (along + w["b_enc"][i]) * length
    if cfg["architecture"] == "topk":
        for row in f:
            kept = row.sort(descending=True).indices[: cfg["k"]]
            others = [i for i in range(len(row)) if i not in kept.tolist()]
            row[others] = 0
    if "threshold" in w or "topk_threshold" in w:
        threshold = w["threshold"] if "threshold" in w else w["topk_threshold"]
        f = torch.where(f > threshold, f, 0.0)
    f = f.clamp(min=0)
    x_hat = w["b_dec"].expand_as(x).clone()
    for i, length in enumerate(lengths):
        x_hat += f[:, i : i + 1] / length * w["W_dec"][i]
    return f.float(), x_hat.float()
