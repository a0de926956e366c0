import json
import os

import torch.nn as nn
from safetensors.torch import save_file


def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    os.makedirs(folder, exist_ok=True)
    d_sae, d_in = sae.W_dec.size()
    cfg = dict(d_in=d_in, d_sae=d_sae, dtype="float32", device="cpu", apply_b_dec_to_input=True,
               normalize_activations="none", reshape_activations="none",
               metadata=dict(sae_lens_version="6.54.12", hook_name=hook_name, model_name=model_name))
    names = ["W_enc", "W_dec", "b_dec"]
    extra = {}
    if isinstance(sae, GatedAutoencoder):
        cfg["architecture"] = "gated"
        names += ["b_gate", "r_mag", "b_mag"]
    else:
        names += ["b_enc"]
        act = sae.activation
        if isinstance(act, TopK):
            cfg["architecture"] = "topk"
            cfg["k"] = act.k
            cfg["rescale_acts_by_decoder_norm"] = False
        elif isinstance(act, BatchTopK):
            cfg["architecture"] = "jumprelu"
            extra["threshold"] = act.threshold.float().repeat(d_sae)
        elif isinstance(act, JumpReLU):
            cfg["architecture"] = "jumprelu"
            extra["threshold"] = act.threshold.detach().float()
        elif isinstance(act, nn.ReLU):
            cfg["architecture"] = "standard"
        else:
            raise ValueError(f"no SAELens architecture for {act}")
    tensors = {n: getattr(sae, n).detach().clone(memory_format=__import__("torch").contiguous_format).float() for n in names}
    save_file({**tensors, **extra}, os.path.join(folder, "sae_weights.safetensors"))
    with open(os.path.join(folder, "cfg.json"), "w") as f:
        json.dump(cfg, f, indent=2)
