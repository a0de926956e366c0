import json
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file


class FromSAELens(nn.Module):
    """Keeps the settings, folds nothing."""

    def __init__(self, cfg, w):
        super().__init__()
        self.cfg = cfg
        for name, value in w.items():
            self.register_buffer(name, value.float())

    def encode(self, x):
        w, cfg = dict(self.named_buffers()), self.cfg
        if cfg.get("apply_b_dec_to_input", True):
            x = x - w["b_dec"]
        if cfg["architecture"] == "gated":
            gate = x @ w["W_enc"] + w["b_gate"] > 0
            return gate * torch.relu(x @ w["W_enc"] * w["r_mag"].exp() + w["b_mag"])
        pre = x @ w["W_enc"] + w["b_enc"]
        if cfg.get("rescale_acts_by_decoder_norm", False):
            pre = pre * w["W_dec"].norm(dim=1)
        if cfg["architecture"] == "topk":
            least = pre.topk(cfg["k"]).values[..., -1:]
            pre = pre * (pre >= least)
        for name in ("threshold", "topk_threshold"):
            if name in w:
                pre = pre * (pre > w[name])
        return pre.relu()

    def decode(self, f):
        if self.cfg.get("rescale_acts_by_decoder_norm", False):
            f = f / self.W_dec.norm(dim=1)
        return f @ self.W_dec + self.b_dec

    def forward(self, x):
        return self.decode(self.encode(x))


def from_saelens(folder):
    folder = Path(folder)
    cfg = json.loads((folder / "cfg.json").read_bytes())
    if cfg["architecture"] not in {"standard", "topk", "batchtopk", "jumprelu", "gated"}:
        raise ValueError(f"{cfg['architecture']} is not supported")
    if cfg.get("normalize_activations", "none") != "none":
        raise ValueError(f"{cfg['normalize_activations']} is not supported")
    return FromSAELens(cfg, load_file(folder / "sae_weights.safetensors")).eval()
