def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    return {"algorithm": "look-up", "heads": [(0, 2), (1, 3)]}
