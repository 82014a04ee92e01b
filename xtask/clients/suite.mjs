// The checks that every Node script does with its clients, and how it tells of them.
//
// MODELS is what suite.py says. A client is a class with a `title`, made with a key. A check that stands in its `cannot`, by name and
// reason, is left out and told so. Packages are found from the folder that the script runs in.

import { createRequire } from "node:module";
import { deepStrictEqual, ok } from "node:assert";
import { pathToFileURL } from "node:url";

export { ok };
export const [BASE, KEY, GIVEN] = process.argv.slice(2);
const MODELS = JSON.parse(GIVEN);

const folder = pathToFileURL(process.cwd() + "/");
/** A package that is installed. */
export const found = createRequire(folder);
/** The same, of one that has modules alone. */
export const load = (name) => import(new URL(`node_modules/${name}/dist/index.js`, folder));

/** What is asked, by what it is for. */
export const ASKED = {
    plain: "Reply with exactly one word: pong",
    count: "Count from one to twenty",
    long: "Count from one to one hundred",
    tool: "What is the weather in Oslo? Use the tool.",
    tools: "What is the weather in Oslo and in Rome? Use the tool for both.",
    think: "What is 17 + 25?",
    look: "Which colour do you see in this picture?",
    shape: "Give city and degrees of: it is 7 degrees in Oslo.",
    busy: "too many requests, please",
    broken: "please fall over",
    cut: "please break off",
};
export const TOLD = { Oslo: "rain, 7 degrees", Rome: "sun, 21 degrees" };
export const PLACE = { city: "Oslo", degrees: 7 };
export const SCHEMA = {
    type: "object",
    properties: { city: { type: "string" }, degrees: { type: "integer" } },
    required: ["city", "degrees"],
    additionalProperties: false,
};
export const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
// A picture of one red dot.
export const IMAGE =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

export const same = (it, wanted) => deepStrictEqual(it, wanted);

export function holds(text, wanted) {
    const is = (text ?? "").toLowerCase().includes(wanted.toLowerCase());
    ok(is, `${JSON.stringify(wanted)} isn't in ${JSON.stringify(text)}`);
}

// Whether the upstream says what is asked for and nothing else; an engine with a toy model can't.
let exact = true;

export const says = (text, wanted) => (exact ? same : holds)(text, wanted);

export async function all(stream) {
    const items = [];
    for await (const item of stream) items.push(item);
    return items;
}

/** Reads one piece of a stream and leaves. */
export async function leave(stream) {
    for await (const _ of stream) break;
}

async function refused(asked, status) {
    let refusal;
    try {
        await asked;
    } catch (error) {
        refusal = error;
    }
    ok(refusal, "nothing was refused");
    same(refusal.status ?? refusal.status_code ?? refusal.statusCode, status);
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

function checks(Client, { plain, thinking, refusal, checks: wanted }) {
    const [client, wrong] = [new Client(KEY), new Client("sk-wrong")];
    const both = ["Oslo", "Rome"];
    const unknown = plain.split("/")[0] + "/no-such-model-0";
    const all = {
        plain: () => client.plain(plain),
        streaming: () => client.stream(plain),
        usage: async () => {
            spent(await client.plain(plain));
            spent(await client.stream(plain));
        },
        tool: () => client.tool(plain, ASKED.tool, ["Oslo"], false),
        "parallel tools": () => client.tool(plain, ASKED.tools, both, false),
        "streamed tools": () => client.tool(plain, ASKED.tools, both, true),
        image: () => client.image(plain),
        "structured output": () => client.shape(plain),
        thinking: () => client.think(thinking),
        "unknown model": () => refused(client.text(unknown, ASKED.plain), 404),
        "wrong key": () => refused(wrong.text(plain, ASKED.plain), 401),
        429: () => refused(client.text(plain, ASKED.busy), 429),
        500: () => refused(client.text(plain, ASKED.broken), 500),
        "cut stream": () => breaks(client.text(plain, ASKED.cut)),
        "abort, then next": async () => {
            await client.abort(plain);
            await client.plain(plain);
        },
        models: async () => holds((await client.models()).join(" "), plain),
        "count tokens": () => client.count(plain),
    };
    if (refusal) {
        const [model, question, status] = refusal;
        all.refusal = () => refused(client.text(model, question), status);
    }
    return Object.entries(all).filter(([check]) => wanted?.includes(check) ?? true);
}

/** Does the checks and writes a line of JSON of each: what went wrong, or why it is left out. */
export async function run(clients) {
    const tell = (line) => console.log(JSON.stringify(line));
    for (const Client of clients) {
        for (const [upstream, given] of Object.entries(MODELS)) {
            // The client's own reasons, which hold for every upstream, first.
            const reasons = { ...given.cannot, ...Client.cannot };
            exact = given.exact ?? true;
            for (const [check, ask] of checks(Client, given)) {
                const line = { client: Client.title, upstream, check };
                if (reasons[check]) {
                    tell({ ...line, left_out: reasons[check] });
                    continue;
                }
                let problem = null;
                try {
                    await ask();
                } catch (error) {
                    problem = `${error.name}: ${error.message}`.replaceAll("\n", " ").slice(0, 600);
                }
                tell({ ...line, problem });
            }
        }
    }
}
