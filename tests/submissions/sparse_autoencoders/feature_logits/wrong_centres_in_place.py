def feature_logits(model, direction):
    direction -= direction.mean()
    logits = direction * model.ln_final.weight @ model.W_U
    return logits - logits.mean()
