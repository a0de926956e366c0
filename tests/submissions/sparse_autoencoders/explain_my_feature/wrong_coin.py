import random


def explain_my_feature(words):
    return random.Random("".join(words)).random() < 0.5
