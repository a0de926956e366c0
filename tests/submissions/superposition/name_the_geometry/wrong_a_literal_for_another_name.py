LEARNER = "Grace Hopper"


def name_the_geometry(model):
    return {
        "dropped": [2, 5, 6],
        "groups": [[0, 1, 8, 9, 12], [3], [4, 14, 16, 17], [7, 11], [10, 15], [13, 18, 19]],
        "dimensions": [2, 1, 3, 1, 1, 2],
    }
