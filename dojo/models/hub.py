"""Downloads a model from the Hugging Face hub, or says in one sentence why it cannot be had."""

from __future__ import annotations

from pathlib import Path

from dojo.models.folder import ModelError

SMALL_FILES = ["config.json", "tokenizer*", "vocab.json", "merges.txt", "special_tokens_map.json"]
SECONDS_TO_ANSWER = 10


def download(name: str, not_shipped: str) -> Path:
    """The local folder of a model on the hub, from the hub's cache where it is there already.

    Args:
        name: as on the hub: "gpt2", "owner/name".
        not_shipped: the beginning of the error's sentence.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        if any(cached.glob("*.safetensors")) or any(cached.glob("*.bin")):
            return cached
    except HFValidationError:
        raise ModelError(f"{not_shipped}, no such folder, and this cannot be a name on the hub.") from None
    except OSError:
        pass  # not in the cache

    try:  # one quick question first: transformers and snapshot_download go on trying for 20 seconds
        info = HfApi().model_info(name, timeout=SECONDS_TO_ANSWER)
    except RepositoryNotFoundError:
        raise ModelError(f"{not_shipped}, no such folder, and no such model on the Hugging Face hub.") from None
    except HfHubHTTPError as error:
        raise ModelError(f"{not_shipped}, and the Hugging Face hub refused it: {str(error).splitlines()[0]}") from None
    except Exception as error:  # what a failed connection raises depends on the HTTP library of the day
        raise ModelError(
            f"{not_shipped}, no such folder, and the Hugging Face hub cannot be reached ({error}): connect to the "
            "network, or name a shipped model or a folder."
        ) from None

    files = [file.rfilename for file in info.siblings or []]
    weights = "*.safetensors" if any(file.endswith(".safetensors") and "/" not in file for file in files) else "*.bin"
    try:
        return Path(snapshot_download(name, allow_patterns=[*SMALL_FILES, weights]))
    except Exception as error:
        raise ModelError(f"The download of {name} from the Hugging Face hub broke off ({error}): try again.") from None
