// The official Node clients against a gateway: the checks of suite.mjs.
//
//     node node.mjs BASE_URL KEY MODELS
//
// MODELS is what suite.py says. A line of JSON tells of each check.

import { ASKED, BASE, IMAGE, PARAMETERS, PLACE, SCHEMA, TOLD } from "./suite.mjs";
import { all, found, holds, leave, ok, run, same, says } from "./suite.mjs";

const { default: OpenAI } = found("openai");
const { default: Anthropic } = found("@anthropic-ai/sdk");
const { GoogleGenAI } = found("@google/genai");
const { Ollama } = found("ollama");

const COUNTS_NOTHING = { "count tokens": "its API counts none" };

class Chat {
    static title = "openai, chat (Node)";
    static cannot = COUNTS_NOTHING;

    constructor(key) {
        this.client = new OpenAI({ baseURL: BASE + "/v1", apiKey: key, maxRetries: 0 });
        const declared = { name: "get_weather", parameters: PARAMETERS };
        this.tools = [{ type: "function", function: declared }];
    }

    ask(model, content, more = {}) {
        const messages = [{ role: "user", content }];
        return this.client.chat.completions.create({ model, messages, ...more });
    }

    async plain(model) {
        const { choices, usage } = await this.ask(model, ASKED.plain);
        says(choices[0].message.content, "pong");
        same(choices[0].finish_reason, "stop");
        return [usage.prompt_tokens, usage.completion_tokens];
    }

    async read(model, question, more) {
        const chunks = await all(await this.ask(model, question, { stream: true, ...more }));
        const choices = chunks.flatMap((it) => it.choices);
        ok(choices.some((it) => it.finish_reason), "the stream has no finish reason");
        same(new Set(chunks.map((it) => it.id)).size, 1);
        return { text: choices.map((it) => it.delta.content ?? "").join(""), last: chunks.at(-1) };
    }

    async stream(model) {
        const { text, last } = await this.read(model, ASKED.count, {
            stream_options: { include_usage: true },
        });
        holds(text, "twenty");
        same(last.choices, []);
        return [last.usage.prompt_tokens, last.usage.completion_tokens];
    }

    async tool(model, question, cities, streams) {
        const ask = this.client.chat.completions;
        const messages = [{ role: "user", content: question }];
        const request = { model, messages, tools: this.tools };
        const answer = streams
            ? await ask.stream(request).finalChatCompletion()
            : await ask.create(request);
        same(answer.choices[0].finish_reason, "tool_calls");
        const { message } = answer.choices[0];
        const calls = message.tool_calls;
        const asked = calls.map((it) => JSON.parse(it.function.arguments).city);
        same(asked, cities);
        same(new Set(calls.map((it) => it.id)).size, cities.length);
        messages.push(message);
        calls.forEach(({ id }, at) =>
            messages.push({ role: "tool", tool_call_id: id, content: TOLD[asked[at]] }),
        );
        holds((await ask.create(request)).choices[0].message.content, "7 degrees");
    }

    async image(model) {
        const url = "data:image/png;base64," + IMAGE;
        const parts = [
            { type: "text", text: ASKED.look },
            { type: "image_url", image_url: { url } },
        ];
        holds((await this.ask(model, parts)).choices[0].message.content, "red");
    }

    async shape(model) {
        const json_schema = { name: "place", schema: SCHEMA, strict: true };
        const response_format = { type: "json_schema", json_schema };
        const answer = await this.ask(model, ASKED.shape, { response_format });
        same(JSON.parse(answer.choices[0].message.content), PLACE);
    }

    async think(model) {
        const answer = await this.ask(model, ASKED.think, { reasoning_effort: "low" });
        holds(answer.choices[0].message.content, "42");
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        await leave(await this.ask(model, ASKED.long, { stream: true }));
    }

    async models() {
        return (await all(this.client.models.list())).map((it) => it.id);
    }
}

class Responses extends Chat {
    static title = "openai, responses (Node)";

    constructor(key) {
        super(key);
        const declared = { name: "get_weather", parameters: PARAMETERS, strict: false };
        this.tools = [{ type: "function", ...declared }];
    }

    ask(model, input, more = {}) {
        return this.client.responses.create({ model, input, ...more });
    }

    async plain(model) {
        const { output_text, status, usage } = await this.ask(model, ASKED.plain);
        says(output_text, "pong");
        same(status, "completed");
        return [usage.input_tokens, usage.output_tokens];
    }

    async read(model, question) {
        const events = await all(await this.ask(model, question, { stream: true }));
        const deltas = events.filter((it) => it.type === "response.output_text.delta");
        same(events.at(-1).type, "response.completed");
        return { text: deltas.map((it) => it.delta).join(""), events };
    }

    async stream(model) {
        const { text, events } = await this.read(model, ASKED.count);
        holds(text, "twenty");
        const numbers = events.map((it) => it.sequence_number);
        same(numbers, [...numbers.keys()]);
        const { usage } = events.at(-1).response;
        return [usage.input_tokens, usage.output_tokens];
    }

    async tool(model, input, cities, streams) {
        const ask = this.client.responses;
        const request = { model, tools: this.tools };
        const answer = streams
            ? await ask.stream({ ...request, input }).finalResponse()
            : await ask.create({ ...request, input });
        const calls = answer.output.filter((it) => it.type === "function_call");
        const asked = calls.map((it) => JSON.parse(it.arguments).city);
        same(asked, cities);
        const results = calls.map(({ call_id }, at) => ({
            type: "function_call_output",
            call_id,
            output: TOLD[asked[at]],
        }));
        // The service knows what was said before.
        const previous_response_id = answer.id;
        const last = await ask.create({ ...request, input: results, previous_response_id });
        holds(last.output_text, "7 degrees");
    }

    async image(model) {
        const image_url = "data:image/png;base64," + IMAGE;
        const content = [
            { type: "input_text", text: ASKED.look },
            { type: "input_image", image_url },
        ];
        holds((await this.ask(model, [{ role: "user", content }])).output_text, "red");
    }

    async shape(model) {
        const format = { type: "json_schema", name: "place", schema: SCHEMA, strict: true };
        const answer = await this.ask(model, ASKED.shape, { text: { format } });
        same(JSON.parse(answer.output_text), PLACE);
    }

    async think(model) {
        const answer = await this.ask(model, ASKED.think, { reasoning: { effort: "low", summary: "auto" } });
        holds(answer.output_text, "42");
        ok(answer.output.some((it) => it.type === "reasoning"), "no reasoning");
    }
}

class Messages {
    static title = "anthropic (Node)";

    constructor(key) {
        this.client = new Anthropic({ baseURL: BASE, apiKey: key, maxRetries: 0 });
        this.tools = [{ name: "get_weather", input_schema: PARAMETERS }];
    }

    request(model, content, more) {
        return { model, max_tokens: 4096, messages: [{ role: "user", content }], ...more };
    }

    ask(model, content, more) {
        return this.client.messages.create(this.request(model, content, more));
    }

    async plain(model) {
        const { content, stop_reason, usage } = await this.ask(model, ASKED.plain);
        says(content.at(-1).text, "pong");
        same(stop_reason, "end_turn");
        return [usage.input_tokens, usage.output_tokens];
    }

    async read(model, question) {
        const answer = await this.client.messages.stream(this.request(model, question)).finalMessage();
        ok(answer.stop_reason, "the stream has no stop reason");
        same(answer.content.filter((it) => it.type === "text").length, 1);
        return answer;
    }

    async stream(model) {
        const { content, stop_reason, usage } = await this.read(model, ASKED.count);
        holds(content.at(-1).text, "twenty");
        same(stop_reason, "end_turn");
        return [usage.input_tokens, usage.output_tokens];
    }

    async tool(model, question, cities, streams, more) {
        const request = this.request(model, question, { tools: this.tools, ...more });
        const ask = this.client.messages;
        const answer = streams
            ? await ask.stream(request).finalMessage()
            : await ask.create(request);
        same(answer.stop_reason, "tool_use");
        const calls = answer.content.filter((it) => it.type === "tool_use");
        same(
            calls.map((it) => it.input.city),
            cities,
        );
        const results = calls.map(({ id, input }) => ({
            type: "tool_result",
            tool_use_id: id,
            content: TOLD[input.city],
        }));
        request.messages.push(
            { role: "assistant", content: answer.content },
            { role: "user", content: results },
        );
        const { content } = await ask.create(request);
        holds(content.map((it) => it.text ?? "").join(""), "7 degrees");
    }

    async image(model) {
        const source = { type: "base64", media_type: "image/png", data: IMAGE };
        const parts = [
            { type: "image", source },
            { type: "text", text: ASKED.look },
        ];
        holds((await this.ask(model, parts)).content[0].text, "red");
    }

    async shape(model) {
        const output_config = { format: { type: "json_schema", schema: SCHEMA } };
        const answer = await this.ask(model, ASKED.shape, { output_config });
        same(JSON.parse(answer.content[0].text), PLACE);
    }

    async think(model) {
        const thinking = { type: "enabled", budget_tokens: 1024 };
        const { content } = await this.ask(model, ASKED.think, { thinking });
        holds(content.at(-1).text, "42");
        if (!model.startsWith("up-chat/")) same(content[0].type, "thinking");
        await this.tool(model, ASKED.tool, ["Oslo"], false, { thinking });
    }

    async text(model, question) {
        return (await this.read(model, question)).content.at(-1).text;
    }

    async abort(model) {
        await leave(this.client.messages.stream(this.request(model, ASKED.long)));
    }

    async models() {
        return (await all(this.client.models.list())).map((it) => it.id);
    }

    async count(model) {
        const messages = [{ role: "user", content: ASKED.plain }];
        const { input_tokens } = await this.client.messages.countTokens({ model, messages });
        ok(input_tokens > 0, "no tokens");
    }
}

class Gemini {
    static title = "google-genai (Node)";

    constructor(key) {
        this.client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: BASE } });
        const declared = { name: "get_weather", parametersJsonSchema: PARAMETERS };
        this.tools = [{ functionDeclarations: [declared] }];
    }

    ask(model, contents, config) {
        return this.client.models.generateContent({ model, contents, config });
    }

    async read(model, contents, config) {
        const asked = this.client.models.generateContentStream({ model, contents, config });
        const chunks = await all(await asked);
        const { finishReason } = chunks.at(-1)?.candidates[0] ?? {};
        same(finishReason, "STOP");
        const parts = chunks.flatMap((it) => it.candidates[0].content?.parts ?? []);
        const text = parts.map((it) => (it.thought ? "" : (it.text ?? ""))).join("");
        return { text, parts, usage: this.usage(chunks.at(-1)) };
    }

    usage({ usageMetadata }) {
        return [usageMetadata?.promptTokenCount, usageMetadata?.candidatesTokenCount];
    }

    async plain(model) {
        const answer = await this.ask(model, ASKED.plain);
        says(answer.text, "pong");
        same(answer.candidates[0].finishReason, "STOP");
        return this.usage(answer);
    }

    async stream(model) {
        const { text, usage } = await this.read(model, ASKED.count);
        holds(text, "twenty");
        return usage;
    }

    async tool(model, question, cities, streams, more) {
        const config = { tools: this.tools, ...more };
        const contents = [{ role: "user", parts: [{ text: question }] }];
        const parts = streams
            ? (await this.read(model, contents, config)).parts
            : (await this.ask(model, contents, config)).candidates[0].content.parts;
        const calls = parts.map((it) => it.functionCall).filter(Boolean);
        same(
            calls.map((it) => it.args.city),
            cities,
        );
        const results = calls.map(({ id, name, args }) => ({
            functionResponse: { id, name, response: { result: TOLD[args.city] } },
        }));
        contents.push({ role: "model", parts }, { role: "user", parts: results });
        holds((await this.ask(model, contents, config)).text, "7 degrees");
    }

    async image(model) {
        const inlineData = { data: IMAGE, mimeType: "image/png" };
        const contents = [{ role: "user", parts: [{ inlineData }, { text: ASKED.look }] }];
        holds((await this.ask(model, contents)).text, "red");
    }

    async shape(model) {
        const config = { responseMimeType: "application/json", responseJsonSchema: SCHEMA };
        same(JSON.parse((await this.ask(model, ASKED.shape, config)).text), PLACE);
    }

    async think(model) {
        const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
        holds((await this.ask(model, ASKED.think, { thinkingConfig })).text, "42");
        await this.tool(model, ASKED.tool, ["Oslo"], false, { thinkingConfig });
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        await leave(await this.client.models.generateContentStream({ model, contents: ASKED.long }));
    }

    async models() {
        const listed = await all(await this.client.models.list());
        return listed.map((it) => it.name.replace("models/", ""));
    }

    async count(model) {
        const { totalTokens } = await this.client.models.countTokens({ model, contents: ASKED.plain });
        ok(totalTokens > 0, "no tokens");
    }
}

class Local {
    static title = "ollama (Node)";
    static cannot = COUNTS_NOTHING;

    constructor(key) {
        this.client = new Ollama({ host: BASE, headers: { Authorization: `Bearer ${key}` } });
        const declared = { name: "get_weather", parameters: PARAMETERS };
        this.tools = [{ type: "function", function: declared }];
    }

    ask(model, content, more) {
        return this.client.chat({ model, messages: [{ role: "user", content }], ...more });
    }

    async plain(model) {
        const answer = await this.ask(model, ASKED.plain);
        says(answer.message.content, "pong");
        same(answer.done_reason, "stop");
        return [answer.prompt_eval_count, answer.eval_count];
    }

    async read(model, question) {
        const lines = await all(await this.ask(model, question, { stream: true }));
        ok(lines.at(-1)?.done, "the stream isn't done");
        return { text: lines.map((it) => it.message.content).join(""), last: lines.at(-1) };
    }

    async stream(model) {
        const { text, last } = await this.read(model, ASKED.count);
        holds(text, "twenty");
        return [last.prompt_eval_count, last.eval_count];
    }

    async tool(model, question, cities, streams, more) {
        const messages = [{ role: "user", content: question }];
        const request = { model, messages, tools: this.tools, ...more };
        let calls;
        if (streams) {
            const lines = await all(await this.client.chat({ ...request, stream: true }));
            calls = lines.flatMap((it) => it.message.tool_calls ?? []);
            messages.push({ role: "assistant", content: "", tool_calls: calls });
        } else {
            const { message } = await this.client.chat(request);
            calls = message.tool_calls;
            messages.push(message);
        }
        const asked = calls.map((it) => it.function.arguments.city);
        same(asked, cities);
        for (const city of asked)
            messages.push({ role: "tool", tool_name: "get_weather", content: TOLD[city] });
        holds((await this.client.chat(request)).message.content, "7 degrees");
    }

    async image(model) {
        const messages = [{ role: "user", content: ASKED.look, images: [IMAGE] }];
        holds((await this.client.chat({ model, messages })).message.content, "red");
    }

    async shape(model) {
        const answer = await this.ask(model, ASKED.shape, { format: SCHEMA });
        same(JSON.parse(answer.message.content), PLACE);
    }

    async think(model) {
        holds((await this.ask(model, ASKED.think, { think: true })).message.content, "42");
        await this.tool(model, ASKED.tool, ["Oslo"], false, { think: true });
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        const stream = await this.ask(model, ASKED.long, { stream: true });
        for await (const _ of stream) {
            stream.abort();
            break;
        }
    }

    async models() {
        return (await this.client.list()).models.map((it) => it.model);
    }
}

await run([Chat, Responses, Messages, Gemini, Local]);
