"""Models whose circuit is known because it was planted: weights set by a program, not by training.

`gate_model` computes AND or OR of two facts. `mystery_heads` continues repeated sequences, `mystery_circuit` identifies
indirect objects; which heads do it, and how, a name decides. (models/known-circuit holds one with its answer beside it.)
"""

from dojo.planted.circuit import mystery_circuit
from dojo.planted.gates import GATE_HEADS, gate_model, gate_tokens
from dojo.planted.geometry import mystery_geometry
from dojo.planted.induction import mystery_heads

__all__ = ["GATE_HEADS", "gate_model", "gate_tokens", "mystery_circuit", "mystery_geometry", "mystery_heads"]
