def qk_circuit(model, layer, head):
    return Factored(model.W_E, model.W_E.T)
