"""swiglu: against numbers worked by hand, a slow loop, and LlamaMLP of transformers."""

import math

import torch
import torch.nn.functional as F
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from dojo.grading import compare, mistake


def test_one_number_worked_by_hand(submission):
    """With x = 1, W_gate = 2, W_up = 3 and W_down = 5 the result is silu(2) * 3 * 5 = 26.42."""
    one = torch.ones(1, 1, 1)
    result = submission.swiglu(one, torch.full((1, 1), 2.0), torch.full((1, 1), 3.0), torch.full((1, 1), 5.0))
    silu = 2 / (1 + math.exp(-2))
    compare(result, torch.full((1, 1, 1), 15 * silu), what="the result", axes="batch pos d_model")


def test_a_slow_loop_gives_the_same(submission, rand):
    """Each position is transformed on its own, from d_model to d_mlp and back."""
    x, gate, up, down = rand.normal(2, 3, 4), rand.normal(4, 5), rand.normal(4, 5), rand.normal(5, 4)
    expected = torch.zeros(2, 3, 4)
    for b in range(2):
        for p in range(3):
            for m in range(5):
                a = sum(float(x[b, p, d] * gate[d, m]) for d in range(4))
                u = sum(float(x[b, p, d] * up[d, m]) for d in range(4))
                expected[b, p] += a / (1 + math.exp(-a)) * u * down[m]
    compare(submission.swiglu(x, gate, up, down), expected, what="the result", axes="batch pos d_model")


def test_equals_llama(submission, rand):
    """The result is LlamaMLP's, whose matrices are stored the other way round."""
    x = rand.normal(3, 4, 6)
    gate, up, down = rand.normal(6, 11) / 2, rand.normal(6, 11) / 2, rand.normal(11, 6) / 2
    config = LlamaConfig(hidden_size=6, intermediate_size=11, num_attention_heads=1, hidden_act="silu", mlp_bias=False)
    llama = LlamaMLP(config)
    for layer, matrix in ((llama.gate_proj, gate), (llama.up_proj, up), (llama.down_proj, down)):
        layer.weight.data.copy_(matrix.T)
    compare(submission.swiglu(x, gate, up, down), llama(x).detach(), what="the result", axes="batch pos d_model")


def test_equals_the_reference_for_large_inputs(agree, rand):
    """The result is right for large and for very negative gates too."""
    agree("swiglu", 5 * rand.normal(2, 3, 5), 4 * rand.normal(5, 7), rand.normal(5, 7) / 5, rand.normal(7, 5) / 3)


@mistake("Gate and up are swapped: the silu goes around x W_gate.")
def swaps_gate_and_up(x, W_gate, W_up, W_down):
    return (x @ W_gate * F.silu(x @ W_up)) @ W_down


@mistake("That is GELU (then it is called GEGLU). SwiGLU's gate is silu(a) = a * sigmoid(a).")
def gelu_gate(x, W_gate, W_up, W_down):
    return (F.gelu(x @ W_gate) * (x @ W_up)) @ W_down


@mistake("Your gate is the sigmoid alone (the original GLU). silu(a) is a * sigmoid(a).")
def sigmoid_gate(x, W_gate, W_up, W_down):
    return ((x @ W_gate).sigmoid() * (x @ W_up)) @ W_down


@mistake("Your gate is a ReLU (then it is called ReGLU). SwiGLU's gate is silu(a) = a * sigmoid(a).")
def relu_gate(x, W_gate, W_up, W_down):
    return (F.relu(x @ W_gate) * (x @ W_up)) @ W_down


@mistake("You apply the silu to the product. It goes around x W_gate alone; x W_up stays linear.")
def silu_of_the_product(x, W_gate, W_up, W_down):
    return F.silu((x @ W_gate) * (x @ W_up)) @ W_down


@mistake("You apply the silu to both branches: x W_up stays linear.")
def silu_on_both(x, W_gate, W_up, W_down):
    return (F.silu(x @ W_gate) * F.silu(x @ W_up)) @ W_down


@mistake("You add the two branches. A gate multiplies: silu(x W_gate) * (x W_up).")
def adds_the_branches(x, W_gate, W_up, W_down):
    return (F.silu(x @ W_gate) + x @ W_up) @ W_down


@mistake("Your gate is missing: x W_gate alone multiplies x W_up, without a silu.")
def no_nonlinearity(x, W_gate, W_up, W_down):
    return ((x @ W_gate) * (x @ W_up)) @ W_down


@mistake("W_gate is not used: the silu goes around x W_gate, and the result multiplies x W_up.")
def gates_with_up_itself(x, W_gate, W_up, W_down):
    return (F.silu(x @ W_up) * (x @ W_up)) @ W_down


@mistake("Only the gate goes down: multiply silu(x W_gate) by x W_up first.")
def forgets_up(x, W_gate, W_up, W_down):
    return F.silu(x @ W_gate) @ W_down
