def gated_loss(sae, x, coefficient):
    pi = sae.gate(x)
    x_hat = sae(x)
    open_ = F.relu(pi)
    x_gate = open_ @ sae.W_dec.detach() + sae.b_dec.detach()
    rec = (x - x_hat).pow(2).sum(-1).mean()
    sparsity = open_.detach().sum(-1).mean()
    aux = (x - x_gate).pow(2).sum(-1).mean()
    return rec + coefficient * sparsity + aux
