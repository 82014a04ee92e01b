"""The checks that every Python script does with its clients, and how it tells of them.

MODELS is JSON: for each upstream the name of a `plain` model and of one that is `thinking`; where not
all is to be checked, `checks`; with reasons, which of them `cannot` be done; whether its words are
`exact`; and a `refusal`: a model, a question and a status.

A client is a class with a `name`, made with a key. A check that it has no method for, or that stands in
its `cannot`, by name and reason, is left out and told so. One with an `asks` asks the model that the
upstream has under that name.
"""

import base64
import json
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

BASE, KEY, MODELS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

PLAIN = "Reply with exactly one word: pong"
COUNT = "Count from one to twenty"
LONG = "Count from one to one hundred"
TOOL = "What is the weather in Oslo? Use the tool."
TOOLS = "What is the weather in Oslo and in Rome? Use the tool for both."
TOLD = {"Oslo": "rain, 7 degrees", "Rome": "sun, 21 degrees"}
THINK = "What is 17 + 25?"
LOOK = "Which colour do you see in this picture?"
SHAPE = "Give city and degrees of: it is 7 degrees in Oslo."
BUSY = "too many requests, please"
BROKEN = "please fall over"
CUT = "please break off"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
PLACE = {"city": "Oslo", "degrees": 7}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def png():
    """A picture of one red dot."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
        + chunk(b"IEND", b"")
    )


IMAGE = png()


def same(found, wanted):
    assert found == wanted, f"{found!r} instead of {wanted!r}"


def holds(text, wanted):
    assert wanted.lower() in (text or "").lower(), f"{wanted!r} isn't in {text!r}"


# Whether the upstream says what is asked for and nothing else; an engine with a toy model can't.
EXACT = True


def says(text, wanted):
    (same if EXACT else holds)(text, wanted)


def leave(stream):
    """Reads one piece of a stream and leaves."""
    next(iter(stream))
    stream.close()


def status(refusal):
    """The status that a refusal tells of."""
    found = getattr(refusal, "status_code", None) or getattr(refusal, "code", None)
    # A client that wraps another's errors.
    return found or (refusal.__cause__ and status(refusal.__cause__))


def refused(ask, error, wanted):
    try:
        ask()
    except error as refusal:
        same(status(refusal), wanted)
        assert str(refusal), "no message"
        return
    raise AssertionError("nothing was refused")


def breaks(ask):
    """An answer that was cut is no answer."""
    try:
        text = ask()
    except Exception:
        return
    raise AssertionError(f"the cut answer passed for whole: {text!r}")


def spent(pair):
    assert all(isinstance(it, int) and it > 0 for it in pair), f"usage is {pair}"


def checks(make, upstream):
    """The checks of one client with one upstream."""
    client, wrong = make(KEY), make("sk-wrong")
    plain, thinking = upstream[getattr(client, "asks", "plain")], upstream["thinking"]
    unknown = plain.split("/")[0] + "/no-such-model-0"
    both = ("Oslo", "Rome")
    refuses = lambda ask, status: lambda: refused(ask, client.error, status)
    all = {
        "plain": lambda: client.plain(plain),
        "streaming": lambda: client.stream(plain),
        "usage": lambda: (spent(client.plain(plain)), spent(client.stream(plain))),
        "tool": lambda: client.tool(plain),
        "parallel tools": lambda: client.tool(plain, TOOLS, both),
        "streamed tools": lambda: client.tool(plain, TOOLS, both, stream=True),
        "image": lambda: client.image(plain),
        "structured output": lambda: client.shape(plain),
        "thinking": lambda: client.think(thinking),
        "unknown model": refuses(lambda: client.text(unknown, PLAIN), 404),
        "wrong key": refuses(lambda: wrong.text(plain, PLAIN), 401),
        "429": refuses(lambda: client.text(plain, BUSY), 429),
        "500": refuses(lambda: client.text(plain, BROKEN), 500),
        "cut stream": lambda: breaks(lambda: client.text(plain, CUT)),
        "abort, then next": lambda: (client.abort(plain), client.plain(plain)),
        "models": lambda: holds(" ".join(client.models()), plain),
        "count tokens": lambda: client.count(plain),
    }
    if "refusal" in upstream:
        model, question, status = upstream["refusal"]
        all["refusal"] = refuses(lambda: client.text(model, question), status)
    wanted = upstream.get("checks", all)
    return {check: ask for check, ask in all.items() if check in wanted}


def lines(make, upstream, given):
    """Does the checks and gives a line of each: what went wrong, or why it is left out."""
    global EXACT
    EXACT = given.get("exact", True)
    # The client's own reasons, which hold for every upstream, first.
    reasons = {**given.get("cannot", {}), **getattr(make, "cannot", {})}
    for check, ask in checks(make, given).items():
        line = {"client": make.name, "upstream": upstream, "check": check}
        if check in reasons:
            yield {**line, "left_out": reasons[check]}
            continue
        problem = None
        try:
            ask()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:600]
        yield {**line, "problem": problem}


def run(clients, at_once=1):
    """Does the checks and writes them as lines of JSON, with so many side by side, of which each then
    has a client of its own."""
    pairs = [(make, *it) for make in clients for it in MODELS.items()]
    if at_once > 1:
        one = lambda given, check: {**given, "checks": [check]}
        pairs = [(*to, one(it, check)) for *to, it in pairs for check in checks(to[0], it)]
    with ThreadPoolExecutor(at_once) as pool:
        for told in pool.map(lambda pair: list(lines(*pair)), pairs):
            for line in told:
                print(json.dumps(line), flush=True)
