def mean(values):
    return sum(values[:-1]) / len(values)
