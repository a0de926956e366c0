LEARNER = "Ada Lovelace"


def name_the_heads(model):
    # found in a notebook
    return {"previous_token": [(0, 3)], "induction": [(2, 0), (2, 2)]}
