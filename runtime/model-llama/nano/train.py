"""Train nano from scratch on one CPU thread: `python train.py`.

Batches hold about `TOKENS` tokens of dialogues of like length. In the first
steps every other batch is repeated random strings instead, which teaches
copying early. Matrices are stepped by Muon, embeddings and norms by AdamW.
Each stage starts a fresh optimiser. Data and order follow from the stages'
seeds; the arithmetic can differ in the last bits between CPUs.
"""

import argparse
import dataclasses
import random
import time

import torch
import torch.nn.functional as F

import tokens
from generate import Generator, leaks
from model import Nano

@dataclasses.dataclass
class Stage:
    seed: int
    steps: int
    level: int  # steps at full rate; after them it falls linearly to almost nothing, if at all
    peak: float  # factor of the learning rates
    copying: int = 0  # steps in which every other batch is for copying


STAGES = [
    Stage(20261, 1800, 1800, 1.0, copying=630),
    Stage(20262, 600, 600, 0.7),
    Stage(20263, 650, 65, 0.7),
    Stage(20264, 480, 48, 0.45),
]
TOKENS = 6000  # of a batch, at most
WARM_UP = 60  # steps
MUON_RATE, ADAM_RATE = 0.02, 3e-3
OTHER_WEIGHT = 0.05  # weight of the tokens the model need not write
FIRST_WEIGHT = 4.0  # weight of the first token of a turn: it decides between tool and answer


# --- data -------------------------------------------------------------------

def example(dialogue):
    """Token ids and the weight of each in the loss."""
    assert not leaks(dialogue), "a held-out word or prompt in the training text"
    ids, weights = [], []
    for text, target in tokens.render(dialogue):
        piece = tokens.encode(text)
        ids += piece
        weights += [FIRST_WEIGHT] + [1.0] * (len(piece) - 1) if target else [OTHER_WEIGHT] * len(piece)
    return ids, weights


def dialogue_batches(seed, limit=1000):
    """An endless stream of batches; a pool is sorted by length to keep padding small."""
    generator, order = Generator(seed), random.Random(seed)
    while True:
        pool = [example(generator.dialogue()) for _ in range(600)]
        pool = sorted((one for one in pool if len(one[0]) <= limit), key=lambda one: len(one[0]))
        batches, batch = [], []
        for one in pool:
            if batch and (len(batch) + 1) * len(one[0]) > TOKENS:
                batches.append(batch)
                batch = []
            batch.append(one)
        order.shuffle(batches)
        yield from batches


def copying_batch(r, length=150):
    """Random strings, each repeated after some filler; only repeats count fully."""
    batch = []
    for _ in range(TOKENS // length):
        ids, weights = [], []
        alphabet = r.choice([b"abcdefghijklmnopqrstuvwxyz", b"0123456789.", b"abcdefghijklmnopqrstuvwxyz-0123456789", bytes(range(32, 127))])
        while len(ids) < length:
            part = [r.choice(alphabet) for _ in range(r.randint(3, 24))]
            for repeat in range(r.randint(2, 3)):
                mark = [r.choice(b" \n\"'`:,.")]
                ids += mark + part
                weights += [OTHER_WEIGHT] * (len(mark) + 1) + [1.0 if repeat else OTHER_WEIGHT] * (len(part) - 1)
        batch.append((ids[:length], weights[:length]))
    return batch


def tensors(batch):
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([one + [tokens.PAD] * (longest - len(one)) for one, _ in batch])
    weights = torch.tensor([one + [0.0] * (longest - len(one)) for _, one in batch])
    return ids, weights


# --- optimiser --------------------------------------------------------------

def orthogonal(g):
    """Newton-Schulz: the nearest (semi-)orthogonal matrices to a stack of them."""
    tall = g.shape[1] > g.shape[2]
    x = g.transpose(1, 2) if tall else g
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal; matrices of one shape are stepped together."""

    def __init__(self, matrices, lr):
        shapes = {}
        for matrix in matrices:
            shapes.setdefault(tuple(matrix.shape), []).append(matrix)
        super().__init__([{"params": same} for same in shapes.values()], {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            grads = torch.stack([p.grad for p in group["params"]])
            state = self.state[group["params"][0]]
            momentum = state.setdefault("momentum", torch.zeros_like(grads))
            momentum.lerp_(grads, 0.05)
            update = orthogonal(grads.lerp(momentum, 0.95))
            scale = max(1.0, update.shape[1] / update.shape[2]) ** 0.5
            for p, u in zip(group["params"], update):
                p.mul_(1 - group["lr"] * 0.01).add_(u, alpha=-group["lr"] * scale)


def optimisers(model):
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2] + [model.embed.weight]
    return [Muon(matrices, MUON_RATE), torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0)]


def rate(step, stage):
    """The learning rate's factor: up, level, then linearly down."""
    falling = max(1, stage.steps - stage.level)
    return stage.peak * min(1.0, (step + 1) / WARM_UP, max(0.02, (stage.steps - step) / falling))


# --- the run ----------------------------------------------------------------

def losses(model, ids, weights):
    """The weighted loss, and the plain loss of the tokens the model must write."""
    logits, _ = model(ids[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weights = weights[:, 1:].flatten()
    target = weights >= 1.0
    return (loss * weights).sum() / weights.sum(), loss[target].mean().item()


def update(optims, factor):
    """One step of every optimiser at its rate times `factor`."""
    for optim in optims:
        for group in optim.param_groups:
            group["lr"] = factor * (MUON_RATE if isinstance(optim, Muon) else ADAM_RATE)
        optim.step()
        optim.zero_grad()


def run(model, stage, save):
    """One stage."""
    optims = optimisers(model)
    dialogues, r = dialogue_batches(stage.seed), random.Random(stage.seed)
    seen, smooth = 0, None
    for step in range(stage.steps):
        copying = step % 2 == 0 and step < stage.copying
        ids, weights = tensors(copying_batch(r) if copying else next(dialogues))
        loss, target = losses(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        update(optims, rate(step, stage))
        seen += ids.numel()
        if not copying:
            smooth = target if smooth is None else 0.95 * smooth + 0.05 * target
        last = step + 1 == stage.steps
        if step % 25 == 0 or last:
            print(f"step {step} tokens {seen} loss {smooth} this {target:.4f} cpu {time.process_time():.0f} s", flush=True)
        if step % 200 == 199 or last:
            save(step)


def main(options):
    torch.set_num_threads(1)
    torch.manual_seed(STAGES[0].seed)
    model = Nano(tokens.VOCAB_SIZE)
    for number, stage in enumerate(STAGES):
        if options.smoke:
            stage = dataclasses.replace(stage, steps=3, level=2)
        print(number + 1, stage, flush=True)
        run(model, stage, lambda step: torch.save({"model": model.state_dict(), "stage": number + 1, "step": step}, options.out))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="checkpoint.pt")
    parser.add_argument("--smoke", action="store_true", help="three steps a stage, to see that it runs")
    main(parser.parse_args())
