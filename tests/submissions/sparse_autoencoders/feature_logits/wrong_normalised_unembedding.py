def feature_logits(model, direction):
    W = model.W_U / model.W_U.norm(dim=0, keepdim=True)
    logits = (direction - direction.mean()) * model.ln_final.weight @ W
    return logits - logits.mean()
