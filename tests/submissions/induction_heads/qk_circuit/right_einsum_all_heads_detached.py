import torch


def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    with torch.no_grad():
        q = torch.einsum("vm,hmd->hvd", model.W_E, attn.W_Q)
        k = torch.einsum("vm,hmd->hvd", model.W_E, attn.W_K)
    return Factored(q[head], k[head].transpose(0, 1))
