"""The official Python clients against a gateway.

    python.py BASE_URL KEY MODELS

MODELS is what suite.py says. A line of JSON tells of each check.
"""

import base64
import json

import anthropic
import ollama
import openai
from google import genai
from google.genai import types

from suite import *

COUNTS_NOTHING = {"count tokens": "its API counts none"}


class OpenAiChat:
    name = "openai, chat (Python)"
    error = openai.APIStatusError
    cannot = COUNTS_NOTHING

    def __init__(self, key):
        self.client = openai.OpenAI(base_url=BASE + "/v1", api_key=key, max_retries=0)
        self.tools = [
            {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
        ]

    def ask(self, model, text, **more):
        messages = [{"role": "user", "content": text}]
        return self.client.chat.completions.create(model=model, messages=messages, **more)

    def plain(self, model):
        answer = self.ask(model, PLAIN)
        says(answer.choices[0].message.content, "pong")
        same(answer.choices[0].finish_reason, "stop")
        return answer.usage.prompt_tokens, answer.usage.completion_tokens

    def stream(self, model):
        text, finish, usage, ids = "", None, None, set()
        for chunk in self.ask(model, COUNT, stream=True, stream_options={"include_usage": True}):
            ids.add(chunk.id)
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
            if chunk.usage:
                same(chunk.choices, [])
                usage = chunk.usage
        holds(text, "twenty")
        same(finish, "stop")
        same(len(ids), 1)
        return usage.prompt_tokens, usage.completion_tokens

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False):
        messages = [{"role": "user", "content": question}]
        ask = self.client.chat.completions
        if stream:
            with ask.stream(model=model, messages=messages, tools=self.tools) as events:
                for _ in events:
                    pass
                message = events.get_final_completion().choices[0].message
        else:
            answer = ask.create(model=model, messages=messages, tools=self.tools)
            same(answer.choices[0].finish_reason, "tool_calls")
            message = answer.choices[0].message
        calls = message.tool_calls
        found = [json.loads(call.function.arguments)["city"] for call in calls]
        same(found, list(cities))
        same(len({call.id for call in calls}), len(cities))
        messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
        for call, city in zip(calls, found):
            messages.append({"role": "tool", "tool_call_id": call.id, "content": TOLD[city]})
        answer = ask.create(model=model, messages=messages, tools=self.tools)
        holds(answer.choices[0].message.content, "7 degrees")

    def image(self, model):
        url = "data:image/png;base64," + base64.b64encode(IMAGE).decode()
        parts = [{"type": "text", "text": LOOK}, {"type": "image_url", "image_url": {"url": url}}]
        holds(self.ask(model, parts).choices[0].message.content, "red")

    def shape(self, model):
        schema = {"name": "place", "schema": SCHEMA, "strict": True}
        form = {"type": "json_schema", "json_schema": schema}
        answer = self.ask(model, SHAPE, response_format=form)
        same(json.loads(answer.choices[0].message.content), PLACE)

    def think(self, model):
        answer = self.ask(model, THINK, reasoning_effort="low")
        holds(answer.choices[0].message.content, "42")

    def text(self, model, question):
        text = ""
        finish = None
        for chunk in self.ask(model, question, stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
        assert finish, "the stream has no finish reason"
        return text

    def abort(self, model):
        leave(self.ask(model, LONG, stream=True))

    def models(self):
        return [model.id for model in self.client.models.list()]


class OpenAiResponses(OpenAiChat):
    name = "openai, responses (Python)"

    def __init__(self, key):
        super().__init__(key)
        self.tools = [
            {
                "type": "function",
                "name": "get_weather",
                "parameters": PARAMETERS,
                "strict": False,
            }
        ]

    def ask(self, model, said, **more):
        return self.client.responses.create(model=model, input=said, **more)

    def plain(self, model):
        answer = self.ask(model, PLAIN)
        says(answer.output_text, "pong")
        same(answer.status, "completed")
        return answer.usage.input_tokens, answer.usage.output_tokens

    def stream(self, model):
        text, last, numbers = "", None, []
        for event in self.ask(model, COUNT, stream=True):
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                text += event.delta
            last = event
        holds(text, "twenty")
        same(last.type, "response.completed")
        same(numbers, sorted(set(numbers)))
        same(last.response.output_text, text)
        return last.response.usage.input_tokens, last.response.usage.output_tokens

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False):
        ask = self.client.responses
        if stream:
            with ask.stream(model=model, input=question, tools=self.tools) as events:
                for _ in events:
                    pass
                answer = events.get_final_response()
        else:
            answer = ask.create(model=model, input=question, tools=self.tools)
        calls = [item for item in answer.output if item.type == "function_call"]
        found = [json.loads(call.arguments)["city"] for call in calls]
        same(found, list(cities))
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": TOLD[city]}
            for call, city in zip(calls, found)
        ]
        # The service knows what was said before.
        answer = ask.create(
            model=model, input=results, previous_response_id=answer.id, tools=self.tools
        )
        holds(answer.output_text, "7 degrees")

    def image(self, model):
        url = "data:image/png;base64," + base64.b64encode(IMAGE).decode()
        parts = [{"type": "input_text", "text": LOOK}, {"type": "input_image", "image_url": url}]
        answer = self.ask(model, [{"role": "user", "content": parts}])
        holds(answer.output_text, "red")

    def shape(self, model):
        form = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
        answer = self.ask(model, SHAPE, text={"format": form})
        same(json.loads(answer.output_text), PLACE)

    def think(self, model):
        answer = self.ask(model, THINK, reasoning={"effort": "low", "summary": "auto"})
        holds(answer.output_text, "42")
        kinds = [item.type for item in answer.output]
        assert "reasoning" in kinds, f"no reasoning among {kinds}"

    def text(self, model, question):
        text, last = "", None
        for event in self.ask(model, question, stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            last = event.type
        same(last, "response.completed")
        return text


class Anthropic:
    name = "anthropic (Python)"
    error = anthropic.APIStatusError

    def __init__(self, key):
        self.client = anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0)
        self.tools = [{"name": "get_weather", "input_schema": PARAMETERS}]

    def ask(self, model, text, **more):
        messages = [{"role": "user", "content": text}]
        return self.client.messages.create(
            model=model, messages=messages, **{"max_tokens": 4096, **more}
        )

    def plain(self, model):
        answer = self.ask(model, PLAIN)
        says(answer.content[-1].text, "pong")
        same(answer.stop_reason, "end_turn")
        return answer.usage.input_tokens, answer.usage.output_tokens

    def stream(self, model):
        messages = [{"role": "user", "content": COUNT}]
        ask = self.client.messages.stream(model=model, messages=messages, max_tokens=4096)
        with ask as events:
            for _ in events:
                pass
            answer = events.get_final_message()
        holds(answer.content[-1].text, "twenty")
        same(len([block for block in answer.content if block.type == "text"]), 1)
        same(answer.stop_reason, "end_turn")
        return answer.usage.input_tokens, answer.usage.output_tokens

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False, **more):
        messages = [{"role": "user", "content": question}]
        more = {"model": model, "max_tokens": 4096, "tools": self.tools, **more}
        if stream:
            with self.client.messages.stream(messages=messages, **more) as events:
                for _ in events:
                    pass
                answer = events.get_final_message()
        else:
            answer = self.client.messages.create(messages=messages, **more)
        same(answer.stop_reason, "tool_use")
        calls = [block for block in answer.content if block.type == "tool_use"]
        same([call.input["city"] for call in calls], list(cities))
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": TOLD[call.input["city"]]}
            for call in calls
        ]
        content = [block.model_dump(exclude_none=True) for block in answer.content]
        messages += [
            {"role": "assistant", "content": content},
            {"role": "user", "content": results},
        ]
        answer = self.client.messages.create(messages=messages, **more)
        text = "".join(block.text for block in answer.content if block.type == "text")
        holds(text, "7 degrees")

    def image(self, model):
        data = base64.b64encode(IMAGE).decode()
        source = {"type": "base64", "media_type": "image/png", "data": data}
        parts = [{"type": "image", "source": source}, {"type": "text", "text": LOOK}]
        holds(self.ask(model, parts).content[0].text, "red")

    def shape(self, model):
        form = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = self.ask(model, SHAPE, output_config=form)
        same(json.loads(answer.content[0].text), PLACE)

    def think(self, model):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        answer = self.ask(model, THINK, thinking=thinking)
        kinds = [block.type for block in answer.content]
        holds(answer.content[-1].text, "42")
        if not ("o4" in model and "chat" in model):
            same(kinds[0], "thinking")
        self.tool(model, thinking=thinking)

    def text(self, model, question):
        messages = [{"role": "user", "content": question}]
        with self.client.messages.stream(model=model, messages=messages, max_tokens=4096) as it:
            for _ in it:
                pass
            answer = it.get_final_message()
        assert answer.stop_reason, "the stream has no stop reason"
        return answer.content[-1].text

    def abort(self, model):
        messages = [{"role": "user", "content": LONG}]
        with self.client.messages.stream(model=model, messages=messages, max_tokens=4096) as it:
            next(iter(it))

    def models(self):
        return [model.id for model in self.client.models.list()]

    def count(self, model):
        messages = [{"role": "user", "content": PLAIN}]
        counted = self.client.messages.count_tokens(model=model, messages=messages)
        assert counted.input_tokens > 0, counted


class Gemini:
    name = "google-genai (Python)"
    error = genai.errors.APIError

    def __init__(self, key):
        options = types.HttpOptions(base_url=BASE)
        self.client = genai.Client(api_key=key, http_options=options)
        declared = types.FunctionDeclaration(
            name="get_weather", parameters_json_schema=PARAMETERS
        )
        self.tools = [types.Tool(function_declarations=[declared])]

    def ask(self, model, contents, **more):
        off = types.AutomaticFunctionCallingConfig(disable=True)
        config = types.GenerateContentConfig(automatic_function_calling=off, **more)
        return self.client.models.generate_content(model=model, contents=contents, config=config)

    def usage(self, answer):
        usage = answer.usage_metadata
        return usage.prompt_token_count, usage.candidates_token_count

    def plain(self, model):
        answer = self.ask(model, PLAIN)
        says(answer.text, "pong")
        same(answer.candidates[0].finish_reason.name, "STOP")
        return self.usage(answer)

    def stream(self, model):
        text, last = "", None
        for chunk in self.client.models.generate_content_stream(model=model, contents=COUNT):
            text += chunk.text or ""
            last = chunk
        holds(text, "twenty")
        same(last.candidates[0].finish_reason.name, "STOP")
        return self.usage(last)

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False, **more):
        contents = [types.Content(role="user", parts=[types.Part(text=question)])]
        if stream:
            off = types.AutomaticFunctionCallingConfig(disable=True)
            config = types.GenerateContentConfig(
                tools=self.tools, automatic_function_calling=off, **more
            )
            parts = []
            ask = self.client.models.generate_content_stream
            for chunk in ask(model=model, contents=contents, config=config):
                parts += (chunk.candidates[0].content and chunk.candidates[0].content.parts) or []
        else:
            answer = self.ask(model, contents, tools=self.tools, **more)
            same(answer.candidates[0].finish_reason.name, "STOP")
            parts = answer.candidates[0].content.parts
        calls = [part.function_call for part in parts if part.function_call]
        same([call.args["city"] for call in calls], list(cities))
        contents.append(types.Content(role="model", parts=parts))
        results = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id, name=call.name, response={"result": TOLD[call.args["city"]]}
                )
            )
            for call in calls
        ]
        contents.append(types.Content(role="user", parts=results))
        holds(self.ask(model, contents, tools=self.tools, **more).text, "7 degrees")

    def image(self, model):
        part = types.Part.from_bytes(data=IMAGE, mime_type="image/png")
        holds(self.ask(model, [part, LOOK]).text, "red")

    def shape(self, model):
        more = {"response_mime_type": "application/json", "response_json_schema": SCHEMA}
        answer = self.ask(model, SHAPE, **more)
        same(json.loads(answer.text), PLACE)

    def think(self, model):
        thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        answer = self.ask(model, THINK, thinking_config=thinking)
        holds(answer.text, "42")
        self.tool(model, thinking_config=thinking)

    def text(self, model, question):
        text, last = "", None
        for chunk in self.client.models.generate_content_stream(model=model, contents=question):
            text += chunk.text or ""
            last = chunk
        finish = last.candidates[0].finish_reason
        assert finish, "the stream has no finish reason"
        same(finish.name, "STOP")
        return text

    def abort(self, model):
        leave(self.client.models.generate_content_stream(model=model, contents=LONG))

    def models(self):
        return [model.name.removeprefix("models/") for model in self.client.models.list()]

    def count(self, model):
        assert self.client.models.count_tokens(model=model, contents=PLAIN).total_tokens > 0


class Ollama:
    name = "ollama (Python)"
    error = ollama.ResponseError
    cannot = COUNTS_NOTHING

    def __init__(self, key):
        headers = {"Authorization": f"Bearer {key}"}
        self.client = ollama.Client(host=BASE, headers=headers)
        self.tools = [
            {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
        ]

    def ask(self, model, text, **more):
        return self.client.chat(model=model, messages=[{"role": "user", "content": text}], **more)

    def plain(self, model):
        answer = self.ask(model, PLAIN)
        says(answer.message.content, "pong")
        same(answer.done_reason, "stop")
        return answer.prompt_eval_count, answer.eval_count

    def stream(self, model):
        text, last = "", None
        for line in self.ask(model, COUNT, stream=True):
            text += line.message.content or ""
            last = line
        holds(text, "twenty")
        assert last.done, "the stream isn't done"
        return last.prompt_eval_count, last.eval_count

    def tool(self, model, question=TOOL, cities=("Oslo",), stream=False, **more):
        messages = [{"role": "user", "content": question}]
        more = {"model": model, "tools": self.tools, **more}
        if stream:
            calls = []
            for line in self.client.chat(messages=messages, stream=True, **more):
                calls += line.message.tool_calls or []
            message = {"role": "assistant", "content": "", "tool_calls": calls}
        else:
            message = self.client.chat(messages=messages, **more).message
            calls = message.tool_calls
        same([call.function.arguments["city"] for call in calls], list(cities))
        messages.append(message)
        for call in calls:
            told = TOLD[call.function.arguments["city"]]
            messages.append({"role": "tool", "tool_name": "get_weather", "content": told})
        holds(self.client.chat(messages=messages, **more).message.content, "7 degrees")

    def image(self, model):
        messages = [{"role": "user", "content": LOOK, "images": [IMAGE]}]
        holds(self.client.chat(model=model, messages=messages).message.content, "red")

    def shape(self, model):
        answer = self.ask(model, SHAPE, format=SCHEMA)
        same(json.loads(answer.message.content), PLACE)

    def think(self, model):
        holds(self.ask(model, THINK, think=True).message.content, "42")
        self.tool(model, think=True)

    def text(self, model, question):
        text, last = "", None
        for line in self.ask(model, question, stream=True):
            text += line.message.content or ""
            last = line
        assert last and last.done, "the stream isn't done"
        return text

    def abort(self, model):
        leave(self.ask(model, LONG, stream=True))

    def models(self):
        return [model.model for model in self.client.list().models]


run([OpenAiChat, OpenAiResponses, Anthropic, Gemini, Ollama])
