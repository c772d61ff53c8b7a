"""Write a checkpoint as GGUF for llama.cpp: `python export.py`.

All tensors are F32: NumPy promotes easily to F64, which llama.cpp loads and
then crashes on, so every type is checked before the file is written.
"""

import argparse
import hashlib
import pathlib

import gguf
import numpy as np
import torch

import tokens
from model import CONFIG, Nano

HERE = pathlib.Path(__file__).parent
NAMES = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
         "down": "ffn_down", "attn_norm": "attn_norm", "ffn_norm": "ffn_norm"}


def add_metadata(writer):
    heads = CONFIG["heads"]
    writer.add_name("nano")
    writer.add_license("Apache-2.0")
    writer.add_description("Playhouse nano: a tiny tool-calling demo model")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(CONFIG["context"])
    writer.add_embedding_length(CONFIG["dim"])
    writer.add_block_count(CONFIG["layers"])
    writer.add_feed_forward_length(CONFIG["hidden"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(CONFIG["dim"] // heads)
    writer.add_rope_freq_base(CONFIG["rope_base"])
    writer.add_layer_norm_rms_eps(CONFIG["eps"])
    writer.add_vocab_size(tokens.VOCAB_SIZE)


def add_tokenizer(writer):
    """Byte tokens in GPT-2's alphabet; the one merge can never apply."""
    kind = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens.byte_alphabet() + tokens.CONTROL + tokens.PHRASES)
    writer.add_token_types(
        [kind.NORMAL] * 256 + [kind.CONTROL] * len(tokens.CONTROL) + [kind.USER_DEFINED] * len(tokens.PHRASES)
    )
    writer.add_token_merges(["\u0100 \u0100"])
    writer.add_bos_token_id(tokens.END)
    writer.add_eos_token_id(tokens.STOP)
    writer.add_eot_token_id(tokens.STOP)
    writer.add_pad_token_id(tokens.PAD)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template((HERE / "chat_template.jinja").read_text())


def add_tensors(writer, state):
    """Tied embeddings (no output.weight); interleaved RoPE needs no permutation."""
    def add(name, key):
        tensor = np.ascontiguousarray(state[key].numpy())
        assert tensor.dtype == np.float32, name
        writer.add_tensor(name, tensor)

    add("token_embd.weight", "embed.weight")
    add("output_norm.weight", "norm.weight")
    for i in range(CONFIG["layers"]):
        for ours, theirs in NAMES.items():
            add(f"blk.{i}.{theirs}.weight", f"blocks.{i}.{ours}.weight")


def export(checkpoint, path):
    model = Nano(tokens.VOCAB_SIZE)
    if checkpoint != "untrained":
        model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    writer = gguf.GGUFWriter(str(path), "llama")
    add_metadata(writer)
    add_tokenizer(writer)
    add_tensors(writer, model.state_dict())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    print(path.name, path.stat().st_size, digest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="checkpoint.pt", help="a checkpoint, or `untrained`")
    parser.add_argument("--out", default=str(HERE / "nano.gguf"))
    options = parser.parse_args()
    export(options.checkpoint, pathlib.Path(options.out))
