def name_the_heads(model):
    return {"previous_token": {(0, 1)}, "induction": {(2, 1)}}
