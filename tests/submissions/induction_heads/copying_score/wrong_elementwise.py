def copying_score(circuit):
    products = circuit.left * circuit.right.T
    return (products.sum() / products.abs().sum()).item()
