class Product:
    def __init__(self, left, right):
        self.left, self.right = left, right


def qk_circuit(model, layer, head):
    weights = model.state_dict()
    W_E = weights["W_E"]
    return Product(W_E @ weights[f"blocks.{layer}.attn.W_Q"][head], (W_E @ weights[f"blocks.{layer}.attn.W_K"][head]).t())
