"""Free-running episodes in PyTorch: `python evaluate.py [--checkpoint FILE] [--failures 20]`.

The model drives the Python tools of `tools.py` turn by turn, on token ids kept
verbatim; an episode counts only if every call and every final answer is right.
The figures that matter are those of the real runtime on the same cases.
"""

import argparse
import collections
import json
import pathlib

import torch

import tokens
import tools
from generate import Generator
from model import Nano

HERE = pathlib.Path(__file__).parent
MOST_TOKENS = 220  # of one assistant turn
MOST_STEPS = 5  # assistant turns in one user turn


class Chat:
    """One conversation: the model's keys and values so far."""

    def __init__(self, model, names):
        self.model, self.past, self.length = model, None, 0
        self.feed(tokens.encode(tokens.system_text(names)))

    def feed(self, ids):
        """Append tokens; the logits after the last one."""
        self.length += len(ids)
        logits, self.past = self.model(torch.tensor([ids]), self.past)
        return logits[0, -1]

    def reply(self, text):
        """The assistant's text after `text` (which ends with the assistant's head)."""
        logits, made = self.feed(tokens.encode(text)), []
        while len(made) < MOST_TOKENS and self.length < 1020:
            token = int(logits.argmax())
            logits = self.feed([token])
            if token == tokens.STOP:
                break
            made.append(token)
        self.feed(tokens.encode("\n"))
        return tokens.decode(made)


def ask(chat, user, run):
    """One user turn: (calls made, final answer); `run` gives the result of a call."""
    made, text = [], tokens.user_text(user)
    for _ in range(MOST_STEPS):
        answer = chat.reply(text)
        calls = tokens.parse_calls(answer)
        if not calls:
            return made, answer if calls is not None else "malformed: " + answer
        made += calls
        text = tokens.results_text([run(name, arguments) for name, arguments in calls])
    return made, "too many steps"


def trouble(model, case):
    """None for a right episode, or what went wrong."""
    chat = Chat(model, ["calculator", "convert", "lookup"])
    for turn in case["turns"]:
        made, answer = ask(chat, turn["user"], lambda name, arguments: tools.run(name, arguments, case["table"]))
        if made != [(c["name"], c["arguments"]) for c in turn["calls"]] or not all(s in answer for s in turn["answer"]):
            return f"{turn['user']!r} -> {made} {answer!r}, wanted {[c['arguments'] for c in turn['calls']]} {turn['answer']}"
    return None


def training_trouble(model, dialogue):
    """The same for a generated dialogue, with the results it records (for work on the generator)."""
    chat = Chat(model, dialogue["tools"])
    for turn in dialogue["turns"]:
        wanted = [c for step in turn["steps"] if step[0] == "call" for c in step[1]]
        results = iter([x for step in turn["steps"] if step[0] == "call" for x in step[2]])
        made, answer = ask(chat, turn["user"], lambda name, arguments: next(results, tools.error("unasked call")))
        if made != wanted or answer != turn["steps"][-1][1]:
            return f"{dialogue['tools']} {turn['user']!r} -> {made} {answer!r}, wanted {wanted} {turn['steps'][-1][1]!r}"
    return None


def report(name, outcomes, failures):
    """Print the share of right episodes by kind, and some failures."""
    kinds = collections.defaultdict(list)
    for kind, wrong in outcomes:
        kinds[kind].append(wrong is None)
    total = [right for rights in kinds.values() for right in rights]
    shares = ", ".join(f"{kind} {sum(rights)}/{len(rights)}" for kind, rights in kinds.items())
    print(f"{name}: {sum(total)}/{len(total)} = {100 * sum(total) / len(total):.1f} % ({shares})", flush=True)
    for kind, wrong in [one for one in outcomes if one[1]][:failures]:
        print(f"   {kind}: {wrong}")


@torch.inference_mode()
def main(options):
    torch.set_num_threads(1)
    model = Nano(tokens.VOCAB_SIZE)
    model.load_state_dict(torch.load(options.checkpoint, weights_only=True)["model"])
    model.eval()
    for name in options.files:
        cases = [json.loads(line) for line in (HERE / "cases" / f"{name}.jsonl").read_text().splitlines()][:: options.every]
        report(name, [(case["kind"], trouble(model, case)) for case in cases], options.failures)
    if options.training:
        generator = Generator(options.training_seed)
        dialogues = [generator.dialogue() for _ in range(options.training)]
        report("training form", [(f"{len(d['turns'])} turns", training_trouble(model, d)) for d in dialogues], options.failures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="checkpoint.pt")
    parser.add_argument("--files", nargs="*", default=["operands", "phrasings", "refusals", "refusals_fresh"])
    parser.add_argument("--every", type=int, default=1, help="take every n-th case")
    parser.add_argument("--failures", type=int, default=0, help="print that many failures of each file")
    parser.add_argument("--training", type=int, default=0, help="also run that many fresh dialogues of the training form")
    parser.add_argument("--training-seed", type=int, default=770_001)
    main(parser.parse_args())
