def feature_logits(model, direction):
    v = direction - direction.mean(-1, keepdim=True)
    logits = torch.einsum("d,d,dv->v", v, model.ln_final.weight, model.W_U)
    return logits - logits.mean(-1, keepdim=True)
