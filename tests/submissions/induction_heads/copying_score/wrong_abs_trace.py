def copying_score(circuit):
    s = circuit.right @ circuit.left
    return (s.trace() / s.abs().sum()).item()
