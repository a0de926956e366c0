import copy
import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    twin = copy.deepcopy(sae).float()
    folder = Path(folder)
    cfg = {}
    t = {}
    for name, p in twin.named_parameters(recurse=False):
        t[name] = p.data.contiguous()
    if "b_gate" in t:
        cfg["architecture"] = "gated"
    elif isinstance(twin.activation, torch.nn.ReLU):
        cfg["architecture"] = "standard"
    elif "threshold" in dir(twin.activation):
        cfg["architecture"] = "jumprelu"
        thr = twin.activation.threshold.detach()
        t["threshold"] = thr if thr.dim() else torch.full((len(t["b_enc"]),), float(thr))
    elif "k" in dir(twin.activation):
        cfg["architecture"] = "topk"
        cfg["k"] = twin.activation.k
        cfg["rescale_acts_by_decoder_norm"] = False
    else:
        raise ValueError("unknown activation")
    cfg["d_in"], cfg["d_sae"] = t["W_enc"].shape
    cfg["dtype"] = "float32"
    cfg["device"] = "cpu"
    cfg["apply_b_dec_to_input"] = True
    cfg["normalize_activations"] = cfg["reshape_activations"] = "none"
    cfg["metadata"] = {"sae_lens_version": "6.0.0", "hook_name": hook_name, "model_name": model_name}
    if not folder.exists():
        folder.mkdir(parents=True)
    json.dump(cfg, open(folder / "cfg.json", "w"))
    save_file(t, folder / "sae_weights.safetensors")
