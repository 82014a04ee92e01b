"""Makes a model that thinks one thought and says one sentence, for an inference engine to run.

Attention and feed-forward are zero and embeddings are one-hot, so the next token follows from the
one before alone, by a table. Where a grammar forbids the favourite, the next best of the table
comes: that is how it calls a tool and fills a schema. What it says has every word that the
conformance suite looks for.

Usage: model.py FILE
"""

import sys

import gguf
import numpy

BEGIN, END, USER, ASSISTANT = "<s>", "</s>", "<|user|>", "<|assistant|>"

THOUGHT = ["<think>", "All that is asked for is known.", "</think>"]

SENTENCE = (
    ["pong,", " marmalade,", " Ferdinand,", " 42,", " 21 degrees,", " Zwölf Boxkämpfer"]
    + [' "Viktor"', " 日本語", " "]
    # One character in four tokens.
    + [f"<0x{byte:02X}>" for byte in "🥊".encode()]
    + [","]
    + [
        f" {word},"
        for word in (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
            " fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    ]
    + [" and 7."]
)

# What it says where it may not say the sentence, best first.
JSON = ['{"answer": 42}', '{"city": "Oslo", "degrees": 7}']

# What it goes on with where it may not end, best first.
CALLS = [
    '<tool_call>\n{"name": "%s", "arguments": {"city": "Oslo"}}\n</tool_call>' % name
    for name in ("get_weather", "get_time")
]

TEMPLATE = """\
{%- if tools %}<|user|>
Tools: {{ tools | tojson }}
Call one by <tool_call>
{"name": <name>, "arguments": <arguments>}
</tool_call>
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' %}<|assistant|>
{%- if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}
{%- else %}<|user|>{{ message.role }}: {% endif %}{{ message.content }}
{%- if message.tool_calls %}
{%- for call in message.tool_calls %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""


def main(path: str) -> None:
    special = ["<unk>", BEGIN, END, USER, ASSISTANT]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    said = THOUGHT + SENTENCE + JSON + CALLS
    words = [token for token in dict.fromkeys(said) if token not in bytes_]
    tokens = special + bytes_ + words
    types = (
        [gguf.TokenType.UNKNOWN]
        + [gguf.TokenType.CONTROL] * 4
        + [gguf.TokenType.BYTE] * 256
        + [gguf.TokenType.NORMAL] * len(words)
    )
    place = {token: at for at, token in enumerate(tokens)}
    # Room for every token, in a size that the engine likes.
    size = -(-len(tokens) // 64) * 64

    table = numpy.zeros((len(tokens), size), dtype=numpy.float32)

    def follow(before: str, after: str, weight: float) -> None:
        table[place[after], place[before]] = weight / size**0.5

    chain = [ASSISTANT] + THOUGHT + SENTENCE + [END]
    for before, after in zip(chain, chain[1:]):
        follow(before, after, 400)
    for before, forced in ((ASSISTANT, JSON), (THOUGHT[-1], JSON), (SENTENCE[-1], CALLS)):
        for weight, token in zip((300, 200), forced):
            follow(before, token, weight)
            follow(token, END, 400)

    embedding = numpy.zeros((len(tokens), size), dtype=numpy.float32)
    embedding[numpy.arange(len(tokens)), numpy.arange(len(tokens))] = 1

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(8192)
    writer.add_embedding_length(size)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(size // 4)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.replace(" ", "\u2581") for token in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_bos_token_id(place[BEGIN])
    writer.add_eos_token_id(place[END])
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)

    zero = lambda *shape: numpy.zeros(shape, dtype=numpy.float32)
    one = numpy.ones(size, dtype=numpy.float32)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", one)
    writer.add_tensor("output.weight", table)
    writer.add_tensor("blk.0.attn_norm.weight", one)
    writer.add_tensor("blk.0.ffn_norm.weight", one)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", zero(size, size))
    writer.add_tensor("blk.0.ffn_gate.weight", zero(64, size))
    writer.add_tensor("blk.0.ffn_up.weight", zero(64, size))
    writer.add_tensor("blk.0.ffn_down.weight", zero(size, 64))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
