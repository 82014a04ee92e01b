// The AI SDK's providers against a gateway: the checks of suite.mjs.
//
//     node ai.mjs BASE_URL KEY MODELS

import { ASKED, BASE, IMAGE, PARAMETERS, PLACE, SCHEMA, TOLD } from "./suite.mjs";
import { all, holds, leave, load, ok, run, same, says } from "./suite.mjs";

// It warns of every model that it doesn't know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const { Output, generateText, jsonSchema, streamText, tool } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createAnthropic } = await load("@ai-sdk/anthropic");
const { createGoogleGenerativeAI } = await load("@ai-sdk/google");
const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");

/** What all of them do alike. */
class Provider {
    static cannot = {
        models: "the AI SDK lists no models",
        "count tokens": "the AI SDK counts none",
    };

    constructor(key) {
        this.key = key;
    }

    request(model, more) {
        return { model: this.model(model), maxRetries: 0, ...more };
    }

    ask(model, prompt, more) {
        return generateText(this.request(model, { prompt, ...more }));
    }

    /** A stream, what it failed with thrown at its end. */
    open(model, more) {
        let failure;
        const onError = ({ error }) => (failure = error);
        const stream = streamText(this.request(model, { onError, ...more }));
        const read = async () => {
            const parts = await all(stream.fullStream);
            if (failure) throw failure;
            ok((await stream.finishReason) !== "error", "it ended in an error");
            return parts;
        };
        return { stream, read };
    }

    usage({ inputTokens, outputTokens }) {
        return [inputTokens, outputTokens];
    }

    async plain(model) {
        const { text, finishReason, usage } = await this.ask(model, ASKED.plain);
        says(text, "pong");
        same(finishReason, "stop");
        return this.usage(usage);
    }

    async stream(model) {
        const { stream, read } = this.open(model, { prompt: ASKED.count });
        await read();
        holds(await stream.text, "twenty");
        same(await stream.finishReason, "stop");
        return this.usage(await stream.usage);
    }

    /** The SDK itself calls the tool and asks again. */
    async tool(model, prompt, cities, streams, more) {
        const asked = [];
        const execute = ({ city }) => {
            asked.push(city);
            return TOLD[city];
        };
        const inputSchema = jsonSchema(PARAMETERS);
        const tools = { get_weather: tool({ description: "The weather.", inputSchema, execute }) };
        let steps = 0;
        const stopWhen = () => ++steps >= 4;
        const request = { prompt, tools, stopWhen, ...more };
        let text;
        if (streams) {
            const { stream, read } = this.open(model, request);
            await read();
            text = await stream.text;
        } else {
            ({ text } = await generateText(this.request(model, request)));
        }
        same(asked, cities);
        holds(text, "7 degrees");
    }

    async image(model) {
        const content = [
            { type: "text", text: ASKED.look },
            { type: "file", data: IMAGE, mediaType: "image/png" },
        ];
        const messages = [{ role: "user", content }];
        holds((await generateText(this.request(model, { messages }))).text, "red");
    }

    async shape(model) {
        const output = Output.object({ schema: jsonSchema(SCHEMA) });
        same((await this.ask(model, ASKED.shape, { output })).output, PLACE);
    }

    async think(model) {
        const providerOptions = this.constructor.thinking;
        const { text, reasoningText } = await this.ask(model, ASKED.think, { providerOptions });
        holds(text, "42");
        if (this.thinks(model)) ok(reasoningText, "no reasoning");
        await this.tool(model, ASKED.tool, ["Oslo"], true, { providerOptions });
    }

    thinks(model) {
        return !model.startsWith("up-chat/");
    }

    async text(model, prompt) {
        const { stream, read } = this.open(model, { prompt });
        await read();
        return stream.text;
    }

    async abort(model) {
        const leaving = new AbortController();
        const { stream } = this.open(model, { prompt: ASKED.long, abortSignal: leaving.signal });
        await leave(stream.textStream);
        leaving.abort();
    }
}

class Chat extends Provider {
    static title = "AI SDK, OpenAI chat";
    static thinking = { openai: { reasoningEffort: "low" } };

    model(model) {
        return createOpenAI({ baseURL: BASE + "/v1", apiKey: this.key }).chat(model);
    }

    thinks() {
        return false;
    }
}

class Responses extends Provider {
    static title = "AI SDK, OpenAI responses";
    static thinking = {
        openai: { reasoningEffort: "low", reasoningSummary: "auto", forceReasoning: true },
    };

    model(model) {
        return createOpenAI({ baseURL: BASE + "/v1", apiKey: this.key }).responses(model);
    }
}

class Messages extends Provider {
    static title = "AI SDK, Anthropic";
    static thinking = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };

    model(model) {
        return createAnthropic({ baseURL: BASE + "/v1", apiKey: this.key })(model);
    }
}

class Gemini extends Provider {
    static title = "AI SDK, Google";
    static thinking = {
        google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
    };

    model(model) {
        return createGoogleGenerativeAI({ baseURL: BASE + "/v1beta", apiKey: this.key })(model);
    }
}

class Compatible extends Provider {
    static title = "AI SDK, OpenAI-compatible";
    static thinking = { parlor: { reasoningEffort: "low" } };

    model(model) {
        const name = "parlor";
        const more = { includeUsage: true, supportsStructuredOutputs: true };
        return createOpenAICompatible({ name, baseURL: BASE + "/v1", apiKey: this.key, ...more })(
            model,
        );
    }
}

await run([Chat, Responses, Messages, Gemini, Compatible]);
