"""Models, tokenizers and texts: those that the course ships, and GPT-2-shaped ones from elsewhere.

A name is a shipped one ("small-lm"), else a folder in Hugging Face format, else a name on the Hugging Face hub; "smollm2"
is a real pretrained model, Llama-shaped, for those who have installed the package that brings it.
"""

from dojo.models.folder import (
    ModelError,
    checkpoint_steps,
    load_config,
    load_state_dict,
    load_text,
    model_path,
    sae_path,
    shipped_models,
)
from dojo.models.model import load_model
from dojo.models.tokenizer import Tokenizer, load_tokenizer

__all__ = [
    "ModelError",
    "Tokenizer",
    "checkpoint_steps",
    "load_config",
    "load_model",
    "load_state_dict",
    "load_text",
    "load_tokenizer",
    "model_path",
    "sae_path",
    "shipped_models",
]
