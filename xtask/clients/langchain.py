"""LangChain's chat models against a gateway: the checks of suite.py.

    langchain.py BASE_URL KEY MODELS
"""

import base64

import anthropic
import ollama
import openai
from google.genai.errors import APIError
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from suite import *

LISTS_NONE = "LangChain lists no models"
COUNTS_ITSELF = "it counts tokens by itself"
WEATHER = {"title": "get_weather", "description": "The weather in a city.", **PARAMETERS}


class LangChain:
    """What all of them do alike."""

    cannot = {"models": LISTS_NONE}
    shaped = {}

    def __init__(self, key):
        self.key = key

    def usage(self, message):
        usage = message.usage_metadata or {}
        return usage.get("input_tokens"), usage.get("output_tokens")

    def plain(self, model):
        answer = self.model(model).invoke(PLAIN)
        says(answer.text, "pong")
        return self.usage(answer)

    def whole(self, chunks):
        whole = None
        for chunk in chunks:
            whole = chunk if whole is None else whole + chunk
        return whole

    def stream(self, model):
        whole = self.whole(self.model(model).stream(COUNT))
        holds(whole.text, "twenty")
        return self.usage(whole)

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False, **more):
        bound = self.model(model, **more).bind_tools([WEATHER])
        messages = [HumanMessage(question)]
        answer = self.whole(bound.stream(messages)) if stream else bound.invoke(messages)
        calls = answer.tool_calls
        same([call["args"]["city"] for call in calls], list(cities))
        same(len({call["id"] for call in calls}), len(cities))
        same(answer.invalid_tool_calls, [])
        messages.append(answer)
        for call in calls:
            messages.append(ToolMessage(TOLD[call["args"]["city"]], tool_call_id=call["id"]))
        answer = self.whole(bound.stream(messages)) if stream else bound.invoke(messages)
        holds(answer.text, "7 degrees")

    def image(self, model):
        data = base64.b64encode(IMAGE).decode()
        blocks = [
            {"type": "text", "text": LOOK},
            {"type": "image", "base64": data, "mime_type": "image/png"},
        ]
        holds(self.model(model).invoke([HumanMessage(content_blocks=blocks)]).text, "red")

    def shape(self, model):
        schema = {"title": "place", "description": "A place.", **SCHEMA}
        shaped = self.model(model).with_structured_output(schema, **self.shaped)
        same(shaped.invoke(SHAPE), PLACE)

    def think(self, model):
        answer = self.model(model, **self.thinking).invoke(THINK)
        holds(answer.text, "42")
        kinds = [block["type"] for block in answer.content_blocks]
        assert not self.thinks(model) or "reasoning" in kinds, f"no reasoning among {kinds}"
        self.tool(model, stream=True, **self.thinking)

    def thinks(self, model):
        """Whether thoughts are seen: the chat API shows none."""
        return not model.startswith("up-chat/")

    def text(self, model, question):
        return self.whole(self.model(model).stream(question)).text

    def abort(self, model):
        leave(self.model(model).stream(LONG))

    def count(self, model):
        counted = self.model(model).get_num_tokens_from_messages([HumanMessage(PLAIN)])
        assert counted > 0, counted


class Chat(LangChain):
    name = "LangChain, OpenAI chat"
    error = openai.APIStatusError
    cannot = {"models": LISTS_NONE, "count tokens": COUNTS_ITSELF}
    shaped = {"method": "json_schema", "strict": True}
    thinking = {"reasoning_effort": "low"}
    responses = False

    def model(self, model, **more):
        return ChatOpenAI(
            model=model,
            base_url=BASE + "/v1",
            api_key=self.key,
            max_retries=0,
            stream_usage=True,
            use_responses_api=self.responses,
            **more,
        )

    def thinks(self, model):
        return False


class Responses(Chat):
    name = "LangChain, OpenAI responses"
    thinking = {"reasoning": {"effort": "low", "summary": "auto"}}
    responses = True

    def thinks(self, model):
        return LangChain.thinks(self, model)


class Messages(LangChain):
    name = "LangChain, Anthropic"
    error = anthropic.APIStatusError
    shaped = {"method": "json_schema"}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}

    def model(self, model, **more):
        more = {"max_tokens": 4096, "max_retries": 0, **more}
        return ChatAnthropic(model=model, base_url=BASE, api_key=self.key, **more)


class Gemini(LangChain):
    name = "LangChain, Google"
    error = (ChatGoogleGenerativeAIError, APIError)
    shaped = {"method": "json_schema"}
    thinking = {"include_thoughts": True, "thinking_budget": 1024}

    def model(self, model, **more):
        return ChatGoogleGenerativeAI(
            model=model, base_url=BASE, google_api_key=self.key, max_retries=1, **more
        )


class Local(LangChain):
    name = "LangChain, Ollama"
    error = ollama.ResponseError
    cannot = {"models": LISTS_NONE, "count tokens": COUNTS_ITSELF}
    shaped = {"method": "json_schema"}
    thinking = {"reasoning": True}

    def model(self, model, **more):
        headers = {"headers": {"authorization": f"Bearer {self.key}"}}
        return ChatOllama(model=model, base_url=BASE, client_kwargs=headers, **more)


run([Chat, Responses, Messages, Gemini, Local])
