"""nano's vocabulary, tokeniser and chat form.

The vocabulary is 256 byte tokens (in GPT-2's byte-to-unicode alphabet), four
control tokens and a few phrase tokens for the fixed parts of a tool call.
`encode` gives the ids that llama.cpp gives for the same GGUF: it cuts the text
at control and user-defined tokens, longest text first, and spells the rest
byte by byte (the file has no BPE merges that could apply).

No phrase token holds a newline and every piece of a rendered dialogue ends or
starts with one, so encoding a dialogue piece by piece equals encoding it whole.
"""

import json

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
PHRASES = [
    "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>",
    '{"name": "', '", "arguments": {"', "calculator", "convert", "lookup",
    'expression": "', 'value": "', '", "from": "', '", "to": "', 'key": "',
    '"}}', '{"result":"', '","unit":"', '{"value":"', '{"error":"',
    '","kind":"', '"}', "not-found", "invalid-input", "tools: ", "system",
    "user", "assistant", "I can't do that",
]
END, START, STOP, PAD = 256, 257, 258, 259
VOCAB_SIZE = 256 + len(CONTROL) + len(PHRASES)

_IDS = {text: 256 + i for i, text in enumerate(CONTROL + PHRASES)}
_LONGEST_FIRST = sorted(_IDS, key=lambda text: -len(text.encode()))


def byte_alphabet():
    """GPT-2's printable stand-in for each of the 256 bytes."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    stand_in, spare = {byte: chr(byte) for byte in keep}, 256
    for byte in range(256):
        if byte not in stand_in:
            stand_in[byte] = chr(spare)
            spare += 1
    return [stand_in[byte] for byte in range(256)]


def encode(text):
    """Token ids of `text`, as llama.cpp gives them with special tokens parsed."""
    fragments = [text]
    for special in _LONGEST_FIRST:
        if special not in text:
            continue
        cut = []
        for fragment in fragments:
            if isinstance(fragment, int):
                cut.append(fragment)
                continue
            for i, part in enumerate(fragment.split(special)):
                if i:
                    cut.append(_IDS[special])
                if part:
                    cut.append(part)
        fragments = cut
    ids = []
    for fragment in fragments:
        ids.extend([fragment] if isinstance(fragment, int) else fragment.encode())
    return ids


def decode(ids):
    """The text of `ids`."""
    names = CONTROL + PHRASES
    raw = b"".join(bytes([i]) if i < 256 else names[i - 256].encode() for i in ids)
    return raw.decode(errors="replace")


# --- the chat form ----------------------------------------------------------

def system_text(tools):
    """The system turn: tool names only."""
    return f"<|im_start|>system\ntools: {', '.join(tools) or 'none'}<|im_end|>\n"


def user_text(text):
    """A user turn, with the head of the assistant turn that answers it."""
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


def results_text(results):
    """The results of one assistant turn, with the head of the next one."""
    blocks = "\n".join(f"<tool_response>\n{r}\n</tool_response>" for r in results)
    return user_text(blocks)


def calls_text(calls):
    """What the assistant writes to call tools: `calls` are (name, arguments)."""
    return "\n".join(
        f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(arguments, ensure_ascii=False)}}}\n</tool_call>'
        for name, arguments in calls
    )


def parse_calls(text):
    """The calls in an assistant turn; None where a block is not valid JSON."""
    calls = []
    for block in text.split("<tool_call>\n")[1:]:
        body, closed, _ = block.partition("\n</tool_call>")
        try:
            call = json.loads(body) if closed else {}
        except json.JSONDecodeError:
            call = {}
        if not isinstance(call, dict) or "name" not in call or "arguments" not in call:
            return None
        calls.append((call["name"], call["arguments"]))
    return calls


def render(dialogue):
    """Pieces (text, is_target) of a dialogue {"tools": [...], "turns": [...]}.

    A turn is {"user": text, "steps": [...]}; a step is ("call", calls, results)
    or ("say", text). Targets are what the model must write, end token included.
    """
    pieces = [(system_text(dialogue["tools"]), False)]
    for turn in dialogue["turns"]:
        pieces.append((user_text(turn["user"]), False))
        for step in turn["steps"]:
            body = calls_text(step[1]) if step[0] == "call" else step[1]
            pieces += [(body + "<|im_end|>", True), ("\n", False)]
            if step[0] == "call":
                pieces.append((results_text(step[2]), False))
    return pieces
