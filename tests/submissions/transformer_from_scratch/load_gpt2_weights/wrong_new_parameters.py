import torch
from torch import nn


def load_gpt2_weights(model, state_dict):
    sd = {k.replace("transformer.", "", 1): v.detach().clone() for k, v in state_dict.items()}
    P = lambda t: nn.Parameter(t.clone().contiguous())
    if len({k.split(".")[1] for k in sd if k.startswith("h.")}) != len(model.blocks):
        raise ValueError("the numbers of layers differ")
    if sd["wpe.weight"].shape != model.W_pos.shape or sd["wte.weight"].shape != model.W_E.shape:
        raise ValueError("the sizes of the embeddings differ")
    H, D, K = model.blocks[0].attn.W_Q.shape
    model.W_E, model.W_pos = P(sd["wte.weight"]), P(sd["wpe.weight"])
    model.W_U = P((sd["lm_head.weight"] if "lm_head.weight" in sd else sd["wte.weight"]).t())
    model.ln_final.weight, model.ln_final.bias = P(sd["ln_f.weight"]), P(sd["ln_f.bias"])
    for i, blk in enumerate(model.blocks):
        p = lambda n: sd[f"h.{i}.{n}"]
        q, k, v = torch.split(p("attn.c_attn.weight"), H * K, dim=1)
        bq, bk, bv = torch.split(p("attn.c_attn.bias"), H * K)
        a = blk.attn
        a.W_Q, a.W_K, a.W_V = (P(w.reshape(D, H, K).transpose(0, 1)) for w in (q, k, v))
        a.b_Q, a.b_K, a.b_V = (P(b.reshape(H, K)) for b in (bq, bk, bv))
        a.W_O, a.b_O = P(p("attn.c_proj.weight").reshape(H, K, D)), P(p("attn.c_proj.bias"))
        blk.ln1.weight, blk.ln1.bias = P(p("ln_1.weight")), P(p("ln_1.bias"))
        blk.ln2.weight, blk.ln2.bias = P(p("ln_2.weight")), P(p("ln_2.bias"))
        m = blk.mlp
        m.W_in, m.b_in = P(p("mlp.c_fc.weight")), P(p("mlp.c_fc.bias"))
        m.W_out, m.b_out = P(p("mlp.c_proj.weight")), P(p("mlp.c_proj.bias"))
