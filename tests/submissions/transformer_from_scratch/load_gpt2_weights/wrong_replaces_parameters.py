import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def load_gpt2_weights(model, state_dict):
    sd = {k.removeprefix("transformer."): v for k, v in state_dict.items()}
    n_sd = len({k.split(".")[1] for k in sd if k.startswith("h.")})
    if n_sd != len(model.blocks):
        raise ValueError(f"{n_sd} layers in the state dict, {len(model.blocks)} in the model")
    H, D, d = model.blocks[0].attn.W_Q.shape
    new = {}
    new["W_E"] = sd["wte.weight"]
    new["W_pos"] = sd["wpe.weight"]
    new["W_U"] = sd.get("lm_head.weight", sd["wte.weight"]).T
    new["ln_final.weight"] = sd["ln_f.weight"]
    new["ln_final.bias"] = sd["ln_f.bias"]
    for i in range(len(model.blocks)):
        p, h = f"blocks.{i}.", f"h.{i}."
        for n in "12":
            new[p + f"ln{n}.weight"] = sd[h + f"ln_{n}.weight"]
            new[p + f"ln{n}.bias"] = sd[h + f"ln_{n}.bias"]
        W, b = sd[h + "attn.c_attn.weight"], sd[h + "attn.c_attn.bias"]
        for name, w, bb in zip("QKV", W.chunk(3, dim=1), b.chunk(3)):
            new[p + f"attn.W_{name}"] = w.reshape(D, H, d).permute(1, 0, 2)
            new[p + f"attn.b_{name}"] = bb.reshape(H, d)
        new[p + "attn.W_O"] = sd[h + "attn.c_proj.weight"].reshape(H, d, D)
        new[p + "attn.b_O"] = sd[h + "attn.c_proj.bias"]
        new[p + "mlp.W_in"] = sd[h + "mlp.c_fc.weight"]
        new[p + "mlp.b_in"] = sd[h + "mlp.c_fc.bias"]
        new[p + "mlp.W_out"] = sd[h + "mlp.c_proj.weight"]
        new[p + "mlp.b_out"] = sd[h + "mlp.c_proj.bias"]
    for k, v in new.items():
        owner, _, leaf = k.rpartition(".")
        if model.get_parameter(k).shape != v.shape: raise ValueError(f"{k}: {v.shape}")
        setattr(model.get_submodule(owner), leaf, nn.Parameter(v.clone()))
