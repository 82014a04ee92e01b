// The official Node clients against a gateway: the checks of python.py.
//
//     node node.mjs BASE_URL KEY MODELS
//
// MODELS is JSON: for each upstream the name of a plain model, of one that thinks, and whether it counts
// tokens. A line of JSON tells of each check: client, upstream, check, and what went wrong, if anything
// did. The packages are found from the folder that it runs in.

import { createRequire } from "node:module";
import { deepStrictEqual, ok } from "node:assert";
import { pathToFileURL } from "node:url";

const [BASE, KEY, GIVEN] = process.argv.slice(2);
const MODELS = JSON.parse(GIVEN);

const found = createRequire(pathToFileURL(process.cwd() + "/"));
const { default: OpenAI } = found("openai");
const { default: Anthropic } = found("@anthropic-ai/sdk");
const { GoogleGenAI } = found("@google/genai");
const { Ollama } = found("ollama");

const PLAIN = "Reply with exactly one word: pong";
const COUNT = "Count from one to twenty";
const LONG = "Count from one to one hundred";
const TOOL = "What is the weather in Oslo? Use the tool.";
const TOOLS = "What is the weather in Oslo and in Rome? Use the tool for both.";
const TOLD = { Oslo: "rain, 7 degrees", Rome: "sun, 21 degrees" };
const THINK = "What is 17 + 25?";
const LOOK = "Which colour do you see in this picture?";
const SHAPE = "Give city and degrees of: it is 7 degrees in Oslo.";
const BUSY = "too many requests, please";
const BROKEN = "please fall over";
const CUT = "please break off";
const PLACE = { city: "Oslo", degrees: 7 };
const SCHEMA = {
    type: "object",
    properties: { city: { type: "string" }, degrees: { type: "integer" } },
    required: ["city", "degrees"],
    additionalProperties: false,
};
const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
// A picture of one red dot.
const IMAGE =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

const same = (it, wanted) => deepStrictEqual(it, wanted);

function holds(text, wanted) {
    const is = (text ?? "").toLowerCase().includes(wanted.toLowerCase());
    ok(is, `${JSON.stringify(wanted)} isn't in ${JSON.stringify(text)}`);
}

async function all(stream) {
    const items = [];
    for await (const item of stream) items.push(item);
    return items;
}

/** Reads one piece of a stream and leaves. */
async function leave(stream) {
    for await (const _ of stream) break;
}

class Chat {
    static title = "openai, chat";

    constructor(key = KEY) {
        this.client = new OpenAI({ baseURL: BASE + "/v1", apiKey: key, maxRetries: 0 });
        const declared = { name: "get_weather", parameters: PARAMETERS };
        this.tools = [{ type: "function", function: declared }];
    }

    ask(model, content, more = {}) {
        const messages = [{ role: "user", content }];
        return this.client.chat.completions.create({ model, messages, ...more });
    }

    async plain(model) {
        const { choices, usage } = await this.ask(model, PLAIN);
        same(choices[0].message.content, "pong");
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
        const { text, last } = await this.read(model, COUNT, {
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
            { type: "text", text: LOOK },
            { type: "image_url", image_url: { url } },
        ];
        holds((await this.ask(model, parts)).choices[0].message.content, "red");
    }

    async shape(model) {
        const json_schema = { name: "place", schema: SCHEMA, strict: true };
        const response_format = { type: "json_schema", json_schema };
        const answer = await this.ask(model, SHAPE, { response_format });
        same(JSON.parse(answer.choices[0].message.content), PLACE);
    }

    async think(model) {
        const answer = await this.ask(model, THINK, { reasoning_effort: "low" });
        holds(answer.choices[0].message.content, "42");
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        await leave(await this.ask(model, LONG, { stream: true }));
    }

    async models() {
        return (await all(this.client.models.list())).map((it) => it.id);
    }
}

class Responses extends Chat {
    static title = "openai, responses";

    constructor(key) {
        super(key);
        const declared = { name: "get_weather", parameters: PARAMETERS, strict: false };
        this.tools = [{ type: "function", ...declared }];
    }

    ask(model, input, more = {}) {
        return this.client.responses.create({ model, input, ...more });
    }

    async plain(model) {
        const { output_text, status, usage } = await this.ask(model, PLAIN);
        same(output_text, "pong");
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
        const { text, events } = await this.read(model, COUNT);
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
            { type: "input_text", text: LOOK },
            { type: "input_image", image_url },
        ];
        holds((await this.ask(model, [{ role: "user", content }])).output_text, "red");
    }

    async shape(model) {
        const format = { type: "json_schema", name: "place", schema: SCHEMA, strict: true };
        const answer = await this.ask(model, SHAPE, { text: { format } });
        same(JSON.parse(answer.output_text), PLACE);
    }

    async think(model) {
        const answer = await this.ask(model, THINK, { reasoning: { effort: "low", summary: "auto" } });
        holds(answer.output_text, "42");
        ok(answer.output.some((it) => it.type === "reasoning"), "no reasoning");
    }
}

class Messages {
    static title = "anthropic";

    constructor(key = KEY) {
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
        const { content, stop_reason, usage } = await this.ask(model, PLAIN);
        same(content[0].text, "pong");
        same(stop_reason, "end_turn");
        return [usage.input_tokens, usage.output_tokens];
    }

    async read(model, question) {
        const answer = await this.client.messages.stream(this.request(model, question)).finalMessage();
        ok(answer.stop_reason, "the stream has no stop reason");
        same(answer.content.length, 1);
        return answer;
    }

    async stream(model) {
        const { content, stop_reason, usage } = await this.read(model, COUNT);
        holds(content[0].text, "twenty");
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
            { type: "text", text: LOOK },
        ];
        holds((await this.ask(model, parts)).content[0].text, "red");
    }

    async shape(model) {
        const output_config = { format: { type: "json_schema", schema: SCHEMA } };
        const answer = await this.ask(model, SHAPE, { output_config });
        same(JSON.parse(answer.content[0].text), PLACE);
    }

    async think(model) {
        const thinking = { type: "enabled", budget_tokens: 1024 };
        const { content } = await this.ask(model, THINK, { thinking });
        holds(content.at(-1).text, "42");
        if (!model.startsWith("up-chat/")) same(content[0].type, "thinking");
        await this.tool(model, TOOL, ["Oslo"], false, { thinking });
    }

    async text(model, question) {
        return (await this.read(model, question)).content[0].text;
    }

    async abort(model) {
        await leave(this.client.messages.stream(this.request(model, LONG)));
    }

    async models() {
        return (await all(this.client.models.list())).map((it) => it.id);
    }

    async count(model) {
        const messages = [{ role: "user", content: PLAIN }];
        const { input_tokens } = await this.client.messages.countTokens({ model, messages });
        ok(input_tokens > 0, "no tokens");
    }
}

class Gemini {
    static title = "google-genai";

    constructor(key = KEY) {
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
        const answer = await this.ask(model, PLAIN);
        same(answer.text, "pong");
        same(answer.candidates[0].finishReason, "STOP");
        return this.usage(answer);
    }

    async stream(model) {
        const { text, usage } = await this.read(model, COUNT);
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
        const contents = [{ role: "user", parts: [{ inlineData }, { text: LOOK }] }];
        holds((await this.ask(model, contents)).text, "red");
    }

    async shape(model) {
        const config = { responseMimeType: "application/json", responseJsonSchema: SCHEMA };
        same(JSON.parse((await this.ask(model, SHAPE, config)).text), PLACE);
    }

    async think(model) {
        const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
        holds((await this.ask(model, THINK, { thinkingConfig })).text, "42");
        await this.tool(model, TOOL, ["Oslo"], false, { thinkingConfig });
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        await leave(await this.client.models.generateContentStream({ model, contents: LONG }));
    }

    async models() {
        const listed = await all(await this.client.models.list());
        return listed.map((it) => it.name.replace("models/", ""));
    }

    async count(model) {
        const { totalTokens } = await this.client.models.countTokens({ model, contents: PLAIN });
        ok(totalTokens > 0, "no tokens");
    }
}

class Local {
    static title = "ollama";

    constructor(key = KEY) {
        this.client = new Ollama({ host: BASE, headers: { Authorization: `Bearer ${key}` } });
        const declared = { name: "get_weather", parameters: PARAMETERS };
        this.tools = [{ type: "function", function: declared }];
    }

    ask(model, content, more) {
        return this.client.chat({ model, messages: [{ role: "user", content }], ...more });
    }

    async plain(model) {
        const answer = await this.ask(model, PLAIN);
        same(answer.message.content, "pong");
        same(answer.done_reason, "stop");
        return [answer.prompt_eval_count, answer.eval_count];
    }

    async read(model, question) {
        const lines = await all(await this.ask(model, question, { stream: true }));
        ok(lines.at(-1)?.done, "the stream isn't done");
        return { text: lines.map((it) => it.message.content).join(""), last: lines.at(-1) };
    }

    async stream(model) {
        const { text, last } = await this.read(model, COUNT);
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
        const messages = [{ role: "user", content: LOOK, images: [IMAGE] }];
        holds((await this.client.chat({ model, messages })).message.content, "red");
    }

    async shape(model) {
        const answer = await this.ask(model, SHAPE, { format: SCHEMA });
        same(JSON.parse(answer.message.content), PLACE);
    }

    async think(model) {
        holds((await this.ask(model, THINK, { think: true })).message.content, "42");
        await this.tool(model, TOOL, ["Oslo"], false, { think: true });
    }

    async text(model, question) {
        return (await this.read(model, question)).text;
    }

    async abort(model) {
        const stream = await this.ask(model, LONG, { stream: true });
        for await (const _ of stream) {
            stream.abort();
            break;
        }
    }

    async models() {
        return (await this.client.list()).models.map((it) => it.model);
    }
}

async function refused(asked, status) {
    let refusal;
    try {
        await asked;
    } catch (error) {
        refusal = error;
    }
    ok(refusal, "nothing was refused");
    same(refusal.status ?? refusal.status_code, status);
    ok(refusal.message, "no message");
}

/** An answer that was cut is no answer. */
async function breaks(asked) {
    let text;
    try {
        text = await asked;
    } catch {
        return;
    }
    throw new Error(`the cut answer passed for whole: ${JSON.stringify(text)}`);
}

const spent = (pair) => ok(pair.every((it) => it > 0), `usage is ${JSON.stringify(pair)}`);

function checks(client, wrong, plain, thinking, counts) {
    const both = ["Oslo", "Rome"];
    const unknown = plain.split("/")[0] + "/no-such-model-0";
    const list = {
        plain: () => client.plain(plain),
        streaming: () => client.stream(plain),
        usage: async () => {
            if (!counts) return;
            spent(await client.plain(plain));
            spent(await client.stream(plain));
        },
        tool: () => client.tool(plain, TOOL, ["Oslo"], false),
        "parallel tools": () => client.tool(plain, TOOLS, both, false),
        "streamed tools": () => client.tool(plain, TOOLS, both, true),
        image: () => client.image(plain),
        "structured output": () => client.shape(plain),
        thinking: () => client.think(thinking),
        "unknown model": () => refused(client.text(unknown, PLAIN), 404),
        "wrong key": () => refused(wrong.text(plain, PLAIN), 401),
        429: () => refused(client.text(plain, BUSY), 429),
        500: () => refused(client.text(plain, BROKEN), 500),
        "cut stream": () => breaks(client.text(plain, CUT)),
        "abort, then next": async () => {
            await client.abort(plain);
            await client.plain(plain);
        },
        models: async () => holds((await client.models()).join(" "), plain),
    };
    if (client.count) list["count tokens"] = () => client.count(plain);
    return Object.entries(list);
}

for (const Client of [Chat, Responses, Messages, Gemini, Local]) {
    for (const [upstream, [plain, thinking, counts]] of Object.entries(MODELS)) {
        const all = checks(new Client(), new Client("sk-wrong"), plain, thinking, counts);
        for (const [check, run] of all) {
            let problem = null;
            try {
                await run();
            } catch (error) {
                problem = `${error.name}: ${error.message}`.replaceAll("\n", " ").slice(0, 600);
            }
            const client = `${Client.title} (Node)`;
            console.log(JSON.stringify({ client, upstream, check, problem }));
        }
    }
}
