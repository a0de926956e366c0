import torch.nn.functional as F


def gated_loss(sae, x, coefficient):
    n = len(x)
    opened = F.relu(sae.gate(x))
    x_hat = sae.decode(sae.encode(x))
    # F.linear wants [out, in]
    x_gate = F.linear(opened, sae.W_dec.detach().T, sae.b_dec.detach())
    loss = F.mse_loss(x_hat, x, reduction="sum") / n
    loss += coefficient * opened.norm(p=1, dim=-1).mean()
    loss += F.mse_loss(x_gate, x, reduction="sum") / n
    return loss
