LEARNER = "Grace Hopper"


def name_the_heads(model):
    return {"previous_token": [(0, 3)], "induction": [(2, 0), (2, 2)]}
