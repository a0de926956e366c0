"""parse_neuronpedia: responses in the API's shape, made here from drawn numbers; what a page should say is written by hand."""

import copy

import pytest

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake, raises

WORDS = [" sea", " ship", "ing", "<b>", "é", "\n", " the", ".", " storm", " Anne"]


def draw(rand, n_examples=3):
    """A response with everything in it, and numbers that can all be told apart."""

    def numbers(n, low, high):
        return [round(v, 4) for v in rand.uniform(n, low=low, high=high).tolist()]

    activations = []
    for i in range(n_examples):
        values = numbers(3 + i, 0.0, 5.0)
        values[i % 3] = 6.0 + [2, 7, 4, 1][i] + round(float(rand.uniform(1)[0]), 4)
        tokens = [rand.choice(WORDS) for _ in values]
        activations.append(
            {
                "id": f"a{i}",
                "tokens": tokens,
                "values": values,
                "maxValue": max(values),
                "maxValueTokenIndex": i % 3,
                "minValue": min(values),
                "dataIndex": None,
            }
        )
    return {
        "modelId": rand.choice(["gpt2-small", "gemma-2-2b"]),
        "layer": rand.choice(["8-res-jb", "20-gemmascope-res-16k"]),
        "index": str(int(rand.integers(9000, 1, low=1000)[0])),
        "sourceSetName": "res-jb",
        "maxActApprox": numbers(1, 20.0, 30.0)[0],
        "frac_nonzero": numbers(1, 0.001, 0.1)[0],
        "pos_str": [" ship", " boat", "é", " sea"],
        "pos_values": sorted(numbers(4, 0.1, 2.0), reverse=True),
        "neg_str": [" desert", "ed", " sand"],
        "neg_values": sorted(numbers(3, -3.0, -0.1)),
        "freq_hist_data_bar_heights": [10, 3],
        "freq_hist_data_bar_values": [0.5, 1.5],
        "explanations": [
            {"id": "e0", "description": "ships and the sea", "typeName": "oai_token-act-pair", "scores": []},
            {"id": "e1", "description": "travel by water", "explanationModelName": "a model"},
        ],
        "activations": activations,
        "comments": [],
        "lists": [],
    }


def page_of(submission, kit, response):
    found = kit.parsed(submission.parse_neuronpedia, response)
    assert "problem" not in found, found["problem"]
    return found


def check(found, **wanted):
    for name, value in wanted.items():
        compare(found[name], value, what=f"`page.{name}`", atol=1e-6)


def test_what_it_is(submission, kit, rand):
    """The model, the source (which the API calls layer) and the index, as a whole number."""
    response = draw(rand)
    found = page_of(submission, kit, response)
    check(found, model=response["modelId"], source=response["layer"])
    assert type(found["index"]) is int, f"`page.index` is {found['index']!r}, expected the whole number."
    check(found, index=int(response["index"]))


def test_an_index_that_is_a_number(submission, kit, rand):
    """The index may come as a number."""
    check(page_of(submission, kit, draw(rand) | {"index": 321}), index=321)


def test_density_and_largest_activation(submission, kit, rand):
    """density is frac_nonzero, max_activation is maxActApprox."""
    response = draw(rand)
    found = page_of(submission, kit, response)
    check(found, density=response["frac_nonzero"], max_activation=response["maxActApprox"])


def test_logits(submission, kit, rand):
    """The tokens that the feature raises and lowers, each with its own number, in the response's order."""
    response = draw(rand)
    found = page_of(submission, kit, response)
    up, down = response["pos_values"], response["neg_values"]
    check(found, positive_logits=[(" ship", up[0]), (" boat", up[1]), ("é", up[2]), (" sea", up[3])])
    check(found, negative_logits=[(" desert", down[0]), ("ed", down[1]), (" sand", down[2])])


def test_the_order_of_logits_is_the_response_s(submission, kit, rand):
    """Logits that come in no order stay in no order, and equal tokens stay two."""
    response = draw(rand) | {"pos_str": ["b", "a", "b"], "pos_values": [1.0, 3.0, 2.0]}
    response |= {"neg_str": ["d", "c", "d", "e"], "neg_values": [-2.0, -1.0, -3.0, -1.5]}
    found = page_of(submission, kit, response)
    check(found, positive_logits=[("b", 1.0), ("a", 3.0), ("b", 2.0)])
    check(found, negative_logits=[("d", -2.0), ("c", -1.0), ("d", -3.0), ("e", -1.5)])


def test_explanations(submission, kit, rand):
    """The descriptions of all explanations, in their order."""
    check(page_of(submission, kit, draw(rand)), explanations=["ships and the sea", "travel by water"])


def test_explanations_that_say_nothing(submission, kit, rand):
    """An explanation whose description is missing, null or empty is left out."""
    said = [
        {"description": ""},
        {"description": "boats"},
        {"description": None},
        {"id": "e3"},
        {"description": "a storm"},
    ]
    check(page_of(submission, kit, draw(rand) | {"explanations": said}), explanations=["boats", "a storm"])


def test_examples(submission, kit, rand):
    """Each example's tokens and values; the one with the largest value first."""
    # in order of the largest; every other order that comes to mind is another one
    ordered = [[13.0, 0.0, 2.0], [10.0, 3.0, 2.5, 6.0], [0.0, 9.0], [4.0, 4.0, 4.0, 4.0, 4.0, 8.0]]
    examples = [([rand.choice(WORDS) for _ in values], values) for values in ordered]
    given = [examples[i] for i in (3, 0, 1, 2)]
    activations = [{"tokens": t, "values": v, "maxValue": max(v), "minValue": min(v)} for t, v in given]
    check(page_of(submission, kit, draw(rand) | {"activations": activations}), examples=examples)


def test_examples_that_are_equally_large(submission, kit, rand):
    """Equally large ones stay in the response's order, whatever their texts are."""
    texts = [["b", "c"], ["z"], ["a", "c"], ["b"], ["a", "c"]]
    values = [[3.0, 5.0], [9.0], [1.0, 5.0], [5.0], [2.0, 5.0]]
    activations = [{"tokens": t, "values": v} for t, v in zip(texts, values, strict=True)]
    found = page_of(submission, kit, draw(rand) | {"activations": activations})
    pairs = list(zip(texts, values, strict=True))
    check(found, examples=[pairs[i] for i in (1, 0, 2, 3, 4)])


def test_examples_that_are_silent(submission, kit, rand):
    """An example whose values are all 0 is kept, and comes last; what counts is the largest value, not the largest size."""
    silent, negative, small = (["a", "b"], [0.0, 0.0]), (["c", "d"], [-9.0, 1.0]), (["e", "f"], [2.0, 0.5])
    activations = [{"tokens": tokens, "values": values} for tokens, values in (silent, negative, small)]
    check(page_of(submission, kit, draw(rand) | {"activations": activations}), examples=[small, negative, silent])


@pytest.mark.parametrize("nothing", [[], None])
def test_examples_without_tokens(submission, kit, rand, nothing):
    """An example without tokens is left out."""
    response = draw(rand, 2)
    a, b = ((e["tokens"], e["values"]) for e in response["activations"])
    response["activations"].insert(1, {"tokens": nothing, "values": []})
    response["activations"].append({"id": "x"})
    check(page_of(submission, kit, response), examples=[b, a])


def test_whole_numbers(submission, kit, rand):
    """Numbers that the JSON writes as whole ones are numbers all the same, and 0 is one of them."""
    response = draw(rand, 1) | {"frac_nonzero": 1, "maxActApprox": 7, "pos_str": ["a", "b"], "pos_values": [2, 0]}
    response["activations"] = [{"tokens": ["x", "y"], "values": [0, 3]}]
    found = page_of(submission, kit, response)
    check(found, density=1.0, max_activation=7.0, positive_logits=[("a", 2.0), ("b", 0.0)])
    check(found, examples=[(["x", "y"], [0.0, 3.0])])


OPTIONAL = [
    "frac_nonzero",
    "maxActApprox",
    "explanations",
    "activations",
    ("pos_str", "pos_values"),
    ("neg_str", "neg_values"),
]
EMPTY = {"density": 0.0, "max_activation": 0.0, "explanations": [], "examples": []} | {
    f"{side}_logits": [] for side in ("positive", "negative")
}
FIELDS = ["density", "max_activation", "explanations", "examples", "positive_logits", "negative_logits"]


@pytest.mark.parametrize("keys, field", list(zip(OPTIONAL, FIELDS, strict=True)))
def test_what_is_null(submission, kit, rand, keys, field):
    """A key that is null is like one that says nothing: 0.0, or an empty list."""
    keys = [keys] if isinstance(keys, str) else keys
    check(page_of(submission, kit, draw(rand) | dict.fromkeys(keys)), **{field: EMPTY[field]})


def test_only_a_name(submission, kit, rand):
    """All keys but the first three may be missing."""
    response = {key: draw(rand)[key] for key in ("modelId", "layer", "index")}
    check(page_of(submission, kit, response), **EMPTY)


def test_the_response_stays(submission, kit, rand):
    """The response is not changed, whether it has all the keys or the first three."""
    response = draw(rand)
    for given in (response, {key: response[key] for key in ("modelId", "layer", "index")}):
        compare(page_of(submission, kit, given)["unchanged"], True, what="whether the response is still what it was")


def test_a_page_with_a_message(submission, kit, rand):
    """A page that is complete is a page, also where it has a message."""
    response = draw(rand)
    check(page_of(submission, kit, response | {"message": "ok", "error": None}), model=response["modelId"])


@pytest.mark.parametrize("response", [None, [], "not found", 404])
def test_no_object(submission, kit, response):
    """A response that is no JSON object raises a ValueError: null is what comes for a feature that is not there."""
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, response)


@pytest.mark.parametrize("missing", ["modelId", "layer", "index"])
def test_no_name(submission, kit, rand, missing):
    """Without one of the first three keys it is no feature's page: a ValueError."""
    response = draw(rand)
    del response[missing]
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, response)


@pytest.mark.parametrize("key", ["error", "message"])
def test_an_error_s_own_words(submission, kit, rand, key):
    """The ValueError quotes what the server says."""
    words = f"Feature {int(rand.integers(9000, 1)[0])} Not Found"
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, {key: words})
    said = kit.refusal(submission.parse_neuronpedia, {key: words})
    assert words in said, f"The server said {words!r}; your error says {said!r}."


def test_an_error_that_is_no_text(submission, kit):
    """Where `error` is no text and `message` is one, the message is quoted."""
    response = {"error": True, "message": "This feature is gone"}
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, response)
    said = kit.refusal(submission.parse_neuronpedia, response)
    assert "This feature is gone" in said, (
        f"`error` is True, and `message` 'This feature is gone'; your error says {said!r}."
    )


@pytest.mark.parametrize("index", ["abc", "", "12.5"])
def test_an_index_that_is_no_number(submission, kit, rand, index):
    """An index that is no whole number raises a ValueError."""
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, draw(rand) | {"index": index})


def test_lists_of_unequal_length(submission, kit, rand):
    """Where tokens and numbers are not equally many, something was lost: a ValueError, not a shorter list."""
    for key in ("pos_str", "neg_values"):
        for rest in (slice(-1), slice(0)):
            response = draw(rand)
            response[key] = response[key][rest]
            with raises("ValueError"):
                kit.parsed(submission.parse_neuronpedia, response)
    response = draw(rand)
    response["activations"][1]["values"].pop()
    with raises("ValueError"):
        kit.parsed(submission.parse_neuronpedia, response)


def changed(response, before=None, after=None):
    """The reference on a changed response, its page changed."""
    if isinstance(response, dict):
        response = copy.deepcopy(response)
        if before:
            before(response)
    page = ref.parse_neuronpedia(response)
    if after:
        after(page, response)
    return page


@mistake("`int(float(index))` makes 12 of '12.5': a text that is no whole number is a ValueError. Use `int(index)`.")
def index_cut_off(response):
    def before(r):
        if "index" in r:
            r["index"] = int(float(r["index"]))

    return changed(response, before)


@mistake("You sort the negative logits. They should stay in the response's order, as the positive ones.")
def negative_logits_sorted(response):
    return changed(response, after=lambda page, r: page.negative_logits.sort(key=lambda pair: pair[1]))


@mistake("An example whose values are all 0 is left out: only one without tokens is.")
def silent_examples_dropped(response):
    return changed(response, after=lambda page, r: setattr(page, "examples", [e for e in page.examples if any(e[1])]))


@mistake("`setdefault` and `pop` change the response: whoever passed it still needs it. Use `get`.")
def sets_defaults(response):
    page = ref.parse_neuronpedia(response)
    for key in ("pos_str", "pos_values", "neg_str", "neg_values", "explanations", "activations"):
        response.setdefault(key, [])
    return page


@mistake("A complete page is refused because it has a `message` or an `error`: go by the first three keys.")
def message_is_an_error(response):
    page = ref.parse_neuronpedia(response)
    if "error" in response or "message" in response:
        raise ValueError("an error")
    return page


@mistake("`error` need not be a text: quote it only if it is one, and look at `message` otherwise.")
def error_first(response):
    if isinstance(response, dict) and not {"modelId", "layer", "index"} <= response.keys():
        raise ValueError(f"This is not a feature's page: {response.get('error') or response.get('message')}")
    return ref.parse_neuronpedia(response)


@mistake("The index stays a text. Make it a whole number: `int(...)`.")
def index_as_text(response):
    return changed(response, after=lambda page, r: setattr(page, "index", str(page.index)))


@mistake("The source is sourceSetName; it should be `layer`, which names the one autoencoder.")
def source_set(response):
    return changed(response, after=lambda page, r: setattr(page, "source", r.get("sourceSetName", page.source)))


@mistake("density and max_activation are exchanged.")
def exchanged(response):
    def after(page, r):
        page.density, page.max_activation = page.max_activation, page.density

    return changed(response, after=after)


@mistake(
    "max_activation is the largest value among the examples; it should be maxActApprox, which was taken over more text."
)
def largest_of_the_examples(response):
    def after(page, r):
        page.max_activation = max((max(values) for _, values in page.examples), default=0.0)

    return changed(response, after=after)


@mistake("The two sides are exchanged: `pos_` are the tokens that the feature raises.")
def sides_exchanged(response):
    def after(page, r):
        page.positive_logits, page.negative_logits = page.negative_logits, page.positive_logits

    return changed(response, after=after)


@mistake("The pairs are (number, token); they should be (token, number).")
def pairs_turned(response):
    def after(page, r):
        page.positive_logits = [(value, token) for token, value in page.positive_logits]
        page.negative_logits = [(value, token) for token, value in page.negative_logits]

    return changed(response, after=after)


@mistake("The logits are a dict: two equal tokens become one, and it should be a list of pairs.")
def logits_as_dict(response):
    def after(page, r):
        page.positive_logits, page.negative_logits = dict(page.positive_logits), dict(page.negative_logits)

    return changed(response, after=after)


@mistake("You sort the logits. They should stay in the response's order.")
def logits_sorted(response):
    def after(page, r):
        page.positive_logits.sort(key=lambda pair: -pair[1])
        page.negative_logits.sort(key=lambda pair: pair[1])

    return changed(response, after=after)


@mistake("`zip` stops at the shorter list without a word, so a damaged response looks whole: `zip(..., strict=True)`.")
def silent_zip(response):
    def before(r):
        for side in ("pos", "neg"):
            pairs = list(zip(r.get(f"{side}_str") or [], r.get(f"{side}_values") or [], strict=False))
            r[f"{side}_str"], r[f"{side}_values"] = [a for a, _ in pairs], [b for _, b in pairs]
        for one in r.get("activations") or []:
            n = min(len(one.get("tokens") or []), len(one.get("values") or []))
            one["tokens"], one["values"] = (one.get("tokens") or [])[:n], (one.get("values") or [])[:n]

    return changed(response, before)


@mistake("Only the first explanation is kept; there may be several.")
def first_explanation(response):
    return changed(response, after=lambda page, r: setattr(page, "explanations", page.explanations[:1]))


@mistake("explanations holds the whole objects; it should hold their descriptions.")
def explanations_whole(response):
    def after(page, r):
        page.explanations = [e for e in r.get("explanations") or [] if e.get("description")]

    return changed(response, after=after)


@mistake("Explanations that are empty or null are kept: leave them out.")
def empty_explanations(response):
    def after(page, r):
        page.explanations = [e.get("description") for e in r.get("explanations") or []]

    return changed(response, after=after)


@mistake("Explanations are left out only where the description is null; an empty one says nothing either.")
def blank_explanations(response):
    def after(page, r):
        found = [e.get("description") for e in r.get("explanations") or []]
        page.explanations = [text for text in found if text is not None]

    return changed(response, after=after)


@mistake("The examples stay in the response's order: the one with the largest value should come first.")
def examples_unsorted(response):
    def after(page, r):
        kept = [e for e in r.get("activations") or [] if e.get("tokens")]
        page.examples = [(e["tokens"], [float(v) for v in e["values"]]) for e in kept]

    return changed(response, after=after)


@mistake("The smallest example comes first: sort with reverse=True.")
def smallest_first(response):
    return changed(response, after=lambda page, r: page.examples.sort(key=lambda e: max(e[1])))


@mistake("Examples are sorted by the sum of their values; it should be by the largest.")
def sorted_by_sum(response):
    return changed(response, after=lambda page, r: page.examples.sort(key=lambda e: sum(e[1]), reverse=True))


@mistake("Among equally large examples, the text decides: sort by the largest value alone (a `key`), not by tuples.")
def text_breaks_ties(response):
    return changed(response, after=lambda page, r: page.examples.sort(key=lambda e: (max(e[1]), e[0]), reverse=True))


@mistake(
    "Equally large examples are turned round. `sorted(..., reverse=True)` keeps their order; turning a sorted list does not."
)
def ties_turned_round(response):
    def after(page, r):
        page.examples = sorted(page.examples[::-1], key=lambda e: max(e[1]), reverse=True)

    return changed(response, after=after)


@mistake("You sort by maxValue, which need not be there; take the largest of the values.")
def sorted_by_max_value(response):
    def before(r):
        for one in r.get("activations") or []:
            one["maxValue"]

    return changed(response, before)


@mistake("An example without tokens is kept, or stops you: leave it out.")
def examples_without_tokens(response):
    def after(page, r):
        page.examples += [([], []) for e in r.get("activations") or [] if not e.get("tokens")]

    return changed(response, after=after)


@mistake("An example is only its tokens: (tokens, values) are asked.")
def tokens_alone(response):
    return changed(response, after=lambda page, r: setattr(page, "examples", [tokens for tokens, _ in page.examples]))


@mistake("`response.get(key, default)` gives None where the key is there and null: use `response.get(key) or default`.")
def null_is_not_missing(response):
    if isinstance(response, dict):
        for key in ("pos_str", "neg_str", "explanations", "activations"):
            iter(response.get(key, []))
        float(response.get("frac_nonzero", 0))
        float(response.get("maxActApprox", 0))
    return ref.parse_neuronpedia(response)


@mistake("A key that is missing stops you: all but modelId, layer and index may be missing, so use `.get`.")
def all_keys_needed(response):
    if isinstance(response, dict) and "modelId" in response:
        response["layer"], response["index"], response["frac_nonzero"], response["maxActApprox"]
        response["pos_str"], response["neg_str"], response["explanations"], response["activations"]
    return ref.parse_neuronpedia(response)


@mistake("density is missing where it is 0 or null? It should be 0.0 then, not None.")
def none_for_numbers(response):
    def after(page, r):
        page.density, page.max_activation = r.get("frac_nonzero"), r.get("maxActApprox")

    return changed(response, after=after)


@mistake("You sort the response's own list of activations. Whoever passed it still needs it: `sorted` makes a new one.")
def sorts_the_response(response):
    page = ref.parse_neuronpedia(response)
    if response.get("activations"):
        response["activations"].sort(key=lambda e: max(e.get("values") or [0]), reverse=True)
    return page


@mistake(
    "A response that is no page raises a KeyError, or another error of Python's: say in a ValueError what is wrong."
)
def key_error(response):
    response["modelId"], response["layer"], response["index"]
    return ref.parse_neuronpedia(response)


@mistake("null gives back None: raise a ValueError, so that nobody goes on with nothing.")
def none_for_null(response):
    return None if response is None else ref.parse_neuronpedia(response)


@mistake("What the server says about the error is not passed on: quote it in your ValueError.")
def silent_about_the_error(response):
    if isinstance(response, dict) and not {"modelId", "layer", "index"} <= response.keys():
        raise ValueError("This is not a feature's page.")
    return ref.parse_neuronpedia(response)


@mistake("Only `error` is looked for: the server's words may be under `message`, too.")
def only_error(response):
    if isinstance(response, dict) and not {"modelId", "layer", "index"} <= response.keys():
        raise ValueError(f"This is not a feature's page: {response.get('error')}")
    return ref.parse_neuronpedia(response)


@mistake("You return a dict: make a `FeaturePage` of it.")
def a_dict(response):
    return vars(ref.parse_neuronpedia(response))
