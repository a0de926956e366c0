def feature_logits(model, direction):
    v = (direction - direction.mean()) * model.ln_final.weight
    v = v - v.mean()
    logits = v @ model.W_U
    return logits - logits.mean()
