"""How many inputs a second a TopK autoencoder learns from: the chapter's `train_sae` against SAELens's `SAETrainer`.

    python benchmarks/sae_training.py [--rounds 5] [--threads 1]

Both train on the same batches, held in memory, with the same sizes, k, learning rate, auxiliary loss and number of threads,
and start from equally drawn weights. Every round runs both in turn, each first in every other round, so that a noisy machine
is noisy for both; medians are what counts. What differs is what each does around the loss: ours keeps decoder rows at length 1,
SAELens clips the gradient and counts how often each latent fires. Needs the extra `tools`.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import os
import statistics
import time
from dataclasses import dataclass

import torch
from torch import Tensor

import solutions.sparse_autoencoders as ref

LR, DEAD_AFTER = 1e-3, 200


@dataclass(frozen=True)
class Size:
    name: str
    d_in: int
    d_sae: int
    k: int
    batch: int
    steps: int


SIZES = [Size("toy", 10, 40, 1, 512, 300), Size("small language model", 128, 1024, 16, 2048, 15)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    import sae_lens

    print(f"{datetime.date.today()}: torch {torch.__version__}, sae-lens {sae_lens.__version__}, "
          f"{options.threads} thread(s) on {os.cpu_count()} processors, load before {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':44s} {'median':>9s} {'min':>9s} {'max':>9s}   variance explained (inputs a second)")
    for size in SIZES:
        ways = {"train_sae": ours, "SAETrainer": theirs}
        data = batches(size)
        for way in ways.values():  # warm up
            way(size, data, 3)
        rates: dict[str, list[float]] = {name: [] for name in ways}
        explained = {}
        for number in range(options.rounds):
            for name in sorted(ways, reverse=bool(number % 2)):
                sae, seconds = ways[name](size, data, size.steps)
                rates[name].append(size.batch * size.steps / seconds)
                with torch.no_grad():
                    explained[name] = ref.explained_variance(data[-1], sae(data[-1])).item()
        for name, values in rates.items():
            label = f"{size.name} ({size.d_in} to {size.d_sae}, k {size.k}), {name}"
            numbers = f"{statistics.median(values):9,.0f} {min(values):9,.0f} {max(values):9,.0f}"
            print(f"{label:44s} {numbers}   {explained[name]:.3f}")
        pairs = zip(rates["train_sae"], rates["SAETrainer"], strict=True)
        print(
            f"{size.name}: train_sae is {statistics.median(a / b for a, b in pairs):.2f} times as fast (median of rounds)"
        )


def batches(size: Size) -> list[Tensor]:
    """Sparse sums of random directions, about 1.25 k of them an input."""
    truth = ref.toy_truth(size.d_sae, size.d_in, seed=7)
    batch_at = ref.toy_batches(truth, density=1.25 * size.k / size.d_sae, n=size.batch)
    return [batch_at(step) for step in range(8)]


def ours(size: Size, data: list[Tensor], steps: int) -> tuple[torch.nn.Module, float]:
    torch.manual_seed(1)
    state = ref.start_training(ref.SparseAutoencoder(size.d_in, size.d_sae, ref.TopK(size.k)), LR)
    objective = ref.topk_objective(k_aux=size.d_in // 2, alpha=1 / 32, dead_after=DEAD_AFTER)
    started = time.perf_counter()
    ref.train_sae(state, lambda step: data[step % len(data)], objective, until=steps)
    return state.sae, time.perf_counter() - started


def theirs(size: Size, data: list[Tensor], steps: int) -> tuple[torch.nn.Module, float]:
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    torch.manual_seed(1)
    sae = TopKTrainingSAE(
        TopKTrainingSAEConfig(
            d_in=size.d_in,
            d_sae=size.d_sae,
            k=size.k,
            aux_loss_coefficient=1 / 32,
            decoder_init_norm=1.0,
            rescale_acts_by_decoder_norm=False,  # less work than its default
            apply_b_dec_to_input=True,
        )
    )
    config = SAETrainerConfig(
        total_training_samples=steps * size.batch,
        train_batch_size_samples=size.batch,
        lr=LR,
        lr_end=LR,
        dead_feature_window=DEAD_AFTER,
        logger=LoggingConfig(log_to_wandb=False),
    )
    trainer = SAETrainer(cfg=config, sae=sae, data_provider=itertools.cycle(data))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # its progress bar
        started = time.perf_counter()
        trainer.fit()
        seconds = time.perf_counter() - started
    return sae, seconds


if __name__ == "__main__":
    main()
