def parse_neuronpedia(response):
    if type(response) is not dict:
        raise ValueError("Neuronpedia sent no feature")
    for key in ["modelId", "layer", "index"]:
        if key not in response:
            text = "this is not a feature: " + key + " is missing."
            for word in ["error", "message"]:
                if word in response:
                    text += " Neuronpedia says: " + str(response[word])
            raise ValueError(text)
    pos, neg = [], []
    for side, out in [("pos", pos), ("neg", neg)]:
        strings = response.get(side + "_str")
        numbers = response.get(side + "_values")
        if strings is None:
            strings = []
        if numbers is None:
            numbers = []
        if len(strings) != len(numbers):
            raise ValueError("unequal lengths")
        for i in range(len(strings)):
            out.append((strings[i], float(numbers[i])))
    explanations = []
    for e in response.get("explanations") or []:
        d = e.get("description", "")
        if d:
            explanations.append(d)
    examples = []
    for a in response.get("activations") or []:
        if a.get("tokens"):
            if len(a["tokens"]) != len(a["values"]):
                raise ValueError("unequal lengths in an activation")
            examples.append((a["tokens"], [float(v) for v in a["values"]]))
    order = sorted(range(len(examples)), key=lambda i: (-max(examples[i][1]), i))
    examples = [examples[i] for i in order]
    density = response.get("frac_nonzero")
    biggest = response.get("maxActApprox")
    return FeaturePage(response["modelId"], response["layer"], int(response["index"]),
                       float(density) if density is not None else 0.0, float(biggest) if biggest is not None else 0.0,
                       pos, neg, explanations, examples)
