"""Programs that people ask models with, against a gateway: the checks of suite.py.

    programs.py NAME PROGRAM BASE_URL KEY MODELS

NAME says which program it is, PROGRAM how it is started. It runs without a terminal, in a home and a
folder of its own below the current one.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

NAME, PROGRAM = sys.argv[1], sys.argv[2].split("\n")
del sys.argv[1:3]

from suite import *

LIMIT = 150
COUNTS_ITSELF = "it asks for no count"
LISTS_NONE = "it lists what its configuration names"
FILES = {"note.txt": "the word is heliotrope\n", "other.txt": "the word is saffron\n"}
# By what words a person is told of a status.
WORDS = {
    404: "not exist|not found|unknown|no model",
    401: "key",
    429: "rate limit|429",
    # Codex says only that there is high demand.
    500: "had an error|500|high demand",
}


class Failed(Exception):
    """What a program said when it gave up."""

    def __init__(self, text):
        super().__init__(text[-600:])
        found = (status for status, words in WORDS.items() if re.search(words, text, re.I))
        self.status_code = next(found, None)


class Program:
    """What all of them do alike: every question is a process."""

    error = Failed
    # What has an answer come at once.
    whole = ()

    def __init__(self, key):
        self.key = key
        self.home = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir="."))
        self.home = self.home.resolve()
        self.work = self.home / "work"
        self.work.mkdir()
        for name, text in FILES.items():
            (self.work / name).write_text(text)
        (self.work / "dot.png").write_bytes(IMAGE)
        MADE.append(self.home)

    def write(self, name, text):
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def start(self, arguments, **variables):
        # Nothing of whoever runs this comes along.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            **variables,
        }
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, model, text, *more):
        """What it said on its two outputs."""
        process = self.run(model, text, *more)
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.stop(process)
            raise AssertionError(f"no end after {LIMIT} seconds") from None
        if process.returncode:
            raise Failed(self.complaint(out, err))
        return out, err

    def complaint(self, out, err):
        """What it says of a failure."""
        return err + out

    def stop(self, process):
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def answer(self, model, text, *more):
        return self.ask(model, text, *more)[0].strip()

    def text(self, model, question):
        return self.answer(model, question)

    def usage(self, model, text, *more):
        """What it answered, and what it says that this took, where it does."""
        return self.answer(model, text, *more), None

    def plain(self, model):
        text, used = self.usage(model, PLAIN, *self.whole)
        says(text, "pong")
        return used

    def stream(self, model):
        text, used = self.usage(model, COUNT)
        holds(text, "twenty")
        return used

    def tools(self):
        """How it is given its tools."""
        return ()

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False):
        how = () if stream else self.whole
        answer = self.answer(model, question, *self.tools(), *how)
        for city in cities:
            holds(answer, TOLD[city].split(", ")[1])

    def abort(self, model):
        """It is stopped while the answer comes: the long one takes some seconds."""
        process = self.run(model, LONG_STORY)
        try:
            process.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            pass
        self.stop(process)


LONG_STORY = "Tell a long story, and take your time."
MADE = []


class Llm(Program):
    name = "llm"
    cannot = {
        "models": LISTS_NONE,
        "count tokens": COUNTS_ITSELF,
    }
    whole = ["--no-stream"]
    weather = """
def get_weather(city: str) -> str:
    "The weather in a city."
    return {"Oslo": "rain, 7 degrees", "Rome": "sun, 21 degrees"}[city]
"""

    def abort(self, model):
        # Its first run makes its database, and half of one it can't use.
        self.plain(model)
        super().abort(model)

    def run(self, model, text, *more):
        known = [
            f"- model_id: asked\n  model_name: {model}\n  api_base: {BASE}/v1\n",
            "  api_key_name: parlor\n  supports_tools: true\n  supports_schema: true\n",
            "  vision: true\n  reasoning: true\n",
        ]
        self.write("llm/extra-openai-models.yaml", "".join(known))
        keys = self.write("llm/keys.json", json.dumps({"parlor": self.key}))
        arguments = ["prompt", "--no-log", "--model", "asked", *more, text]
        return self.start(arguments, LLM_USER_PATH=str(keys.parent))

    def usage(self, model, text, *more):
        out, err = self.ask(model, text, "--usage", *more)
        used = re.search(r"([\d,]+) input, ([\d,]+) output", err)
        return out.strip(), tuple(int(it.replace(",", "")) for it in used.groups())

    def tools(self):
        return ["--functions", str(self.write("tools.py", self.weather))]

    def image(self, model):
        holds(self.answer(model, LOOK, "--attachment", "dot.png"), "red")

    def shape(self, model):
        answer = self.answer(model, SHAPE, "--schema", json.dumps(SCHEMA))
        same(json.loads(answer), PLACE)

    def think(self, model):
        holds(self.answer(model, THINK, "--option", "reasoning_effort", "low"), "42")
        self.tool(model)


class Aichat(Program):
    cannot = {
        "usage": "it shows no usage",
        "structured output": "it asks for no form",
        "thinking": "it asks for no thoughts",
        "models": LISTS_NONE,
        "count tokens": COUNTS_ITSELF,
    }
    whole = ["--no-stream"]
    weather = """#!/bin/sh
case $1 in
    *Oslo*) echo "rain, 7 degrees" >"$LLM_OUTPUT" ;;
    *) echo "sun, 21 degrees" >"$LLM_OUTPUT" ;;
esac
"""

    def run(self, model, text, *more):
        known = {
            "name": model,
            "supports_vision": True,
            "supports_function_calling": True,
            "require_max_tokens": True,
            "max_output_tokens": 4096,
        }
        client = {
            "type": self.type,
            "name": "parlor",
            "api_base": BASE + self.base,
            "api_key": self.key,
            "models": [known],
        }
        # JSON is YAML.
        config = {"save": False, "use_tools": "all", "clients": [client]}
        folder = self.write("aichat/config.yaml", json.dumps(config)).parent
        declared = {"name": "get_weather", "description": "The weather.", "parameters": PARAMETERS}
        self.write("aichat/functions/functions.json", json.dumps([declared]))
        self.write("aichat/functions/bin/get_weather", self.weather).chmod(0o755)
        arguments = ["--model", f"parlor:{model}", *more, text]
        return self.start(arguments, AICHAT_CONFIG_DIR=str(folder))

    def image(self, model):
        holds(self.answer(model, LOOK, "--file", "dot.png", "--"), "red")


class AichatChat(Aichat):
    name, type, base = "aichat, OpenAI chat", "openai-compatible", "/v1"


class AichatMessages(Aichat):
    name, type, base = "aichat, Anthropic", "claude", "/v1"


class AichatGemini(Aichat):
    name, type, base = "aichat, Gemini", "gemini", "/v1beta"


class Agent(Program):
    """A program that works with files by tools of its own."""

    def tool(self, model, question=None, cities=("Oslo",), stream=False):
        match len(cities):
            case 1:
                holds(self.answer(model, "Say the word in the file note.txt"), "is heliotrope")
            case _:
                asked = "Say the words in the files note.txt and other.txt"
                holds(self.answer(model, asked), "heliotrope and saffron")

    def think(self, model):
        holds(self.answer(model, THINK), "42")
        self.tool(model)


class Codex(Agent):
    name = "Codex CLI"
    cannot = {"models": LISTS_NONE, "count tokens": COUNTS_ITSELF}

    def run(self, model, text, *more):
        config = f"""
model = "{model}"
model_provider = "parlor"
model_reasoning_effort = "low"
model_reasoning_summary = "auto"
[model_providers.parlor]
name = "parlor"
base_url = "{BASE}/v1"
env_key = "PARLOR_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""
        folder = self.write("codex/config.toml", config).parent
        how = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json"]
        arguments = ["exec", *how, *more, "--", text]
        return self.start(arguments, CODEX_HOME=str(folder), PARLOR_KEY=self.key)

    def complaint(self, out, err):
        # It warns of every model that it doesn't know, on the same output.
        lines = (line for line in out.splitlines() if '"turn.failed"' in line)
        return next(lines, err + out)

    def events(self, model, text, *more):
        lines = self.ask(model, text, *more)[0].splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, events):
        items = (it["item"] for it in events if it["type"] == "item.completed")
        return [it["text"] for it in items if it["type"] == "agent_message"][-1]

    def answer(self, model, text, *more):
        return self.said(self.events(model, text, *more))

    def usage(self, model, text, *more):
        events = self.events(model, text, *more)
        used = events[-1]["usage"]
        return self.said(events), (used["input_tokens"], used["output_tokens"])

    def image(self, model):
        holds(self.answer(model, LOOK, "--image", "dot.png"), "red")

    def shape(self, model):
        schema = self.write("schema.json", json.dumps(SCHEMA))
        answer = self.answer(model, SHAPE, "--output-schema", str(schema))
        same(json.loads(answer), PLACE)

    def think(self, model):
        events = self.events(model, THINK)
        holds(self.said(events), "42")
        kinds = [it["item"]["type"] for it in events if it["type"] == "item.completed"]
        assert model.startswith("up-chat/") or "reasoning" in kinds, f"no reasoning among {kinds}"
        self.tool(model)


class CodexOwn(Codex):
    """The same with the model that it asks by itself, for which it has tools in other forms: a program
    in JavaScript as free text, by which it runs commands and patches files, and functions in groups."""

    name = "Codex CLI, its own model"
    asks = "codex"
    elsewhere = [
        "usage",
        "image",
        "structured output",
        "thinking",
        "unknown model",
        "wrong key",
        "429",
        "500",
        "cut stream",
        "abort, then next",
    ]
    cannot = {**Codex.cannot, **dict.fromkeys(elsewhere, "Codex above does that")}

    def tool(self, model, question=None, cities=("Oslo",), stream=False):
        if not stream:
            return super().tool(model, question, cities)
        holds(self.answer(model, "Copy the word of note.txt to copy.txt"), "is copied")
        same((self.work / "copy.txt").read_text(), "heliotrope\n")


class Claude(Agent):
    name = "Claude Code"
    cannot = {"models": LISTS_NONE, "count tokens": COUNTS_ITSELF}

    def run(self, model, text, *more):
        how = ["--print", "--output-format", "json", "--model", model, "--allowedTools", "Read", *more]
        variables = {
            "ANTHROPIC_BASE_URL": BASE,
            "ANTHROPIC_API_KEY": self.key,
            # What it asks beside the conversation.
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
            "CLAUDE_CONFIG_DIR": str(self.home / "claude"),
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_AUTOUPDATER": "1",
            # Whatever these leave on reaches nobody.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }
        return self.start([*how, "--", text], **variables)

    def complaint(self, out, err):
        return json.loads(out)["result"] if out.startswith("{") else err + out

    def told(self, model, text, *more):
        return json.loads(self.ask(model, text, *more)[0])

    def answer(self, model, text, *more):
        return self.told(model, text, *more)["result"].strip()

    def usage(self, model, text, *more):
        told = self.told(model, text, *more)
        used = told["usage"]
        return told["result"].strip(), (used["input_tokens"], used["output_tokens"])

    def image(self, model):
        holds(self.answer(model, f"@dot.png {LOOK}"), "red")

    def shape(self, model):
        told = self.told(model, SHAPE, "--json-schema", json.dumps(SCHEMA))
        same(told["structured_output"], PLACE)


class GeminiCli(Agent):
    name = "Gemini CLI"
    cannot = {
        "structured output": "it asks for no form",
        "models": LISTS_NONE,
        "count tokens": COUNTS_ITSELF,
    }

    def run(self, model, text, *more):
        settings = {
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "telemetry": {"enabled": False},
            "privacy": {"usageStatisticsEnabled": False},
            "general": {"enableAutoUpdate": False, "maxAttempts": 1},
        }
        self.write(".gemini/settings.json", json.dumps(settings))
        how = ["--yolo", "--output-format", "json", "--model", model]
        variables = {
            "GEMINI_API_KEY": self.key,
            "GOOGLE_GEMINI_BASE_URL": BASE,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        }
        return self.start([*how, *more, "--prompt", text], **variables)

    def told(self, model, text):
        told = json.loads(self.ask(model, text)[0])
        if told.get("error"):
            raise Failed(json.dumps(told["error"]))
        return told

    def answer(self, model, text, *more):
        return self.told(model, text)["response"].strip()

    def usage(self, model, text, *more):
        told = self.told(model, text)
        # By the name that the answer has, which is the provider's own.
        (of_model,) = told["stats"]["models"].values()
        used = of_model["tokens"]
        return told["response"].strip(), (used["prompt"], used["candidates"])

    def image(self, model):
        holds(self.answer(model, f"@dot.png {LOOK}"), "red")


PROGRAMS = {
    "llm": [Llm],
    "aichat": [AichatChat, AichatMessages, AichatGemini],
    "codex": [Codex, CodexOwn],
    "claude": [Claude],
    "gemini-cli": [GeminiCli],
}

try:
    # A process is started for every question, so that most of the time is waited.
    run(PROGRAMS[NAME], at_once=8)
finally:
    for folder in MADE:
        shutil.rmtree(folder, ignore_errors=True)
