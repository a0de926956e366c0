def mean(values):
    total = 0.0
    for value in values:
        total += value
    if not values:
        raise ValueError("no values")
    return total / len(values)
