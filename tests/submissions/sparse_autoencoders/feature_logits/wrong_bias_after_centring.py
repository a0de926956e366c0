def feature_logits(model, direction):
    v = (direction - direction.mean()) * model.ln_final.weight + model.ln_final.bias
    return v @ model.W_U - (v @ model.W_U).mean()
