//! What stands below the options in `--help`: examples, and what follows from them. No line is
//! longer than a narrow terminal.

pub(super) const PROGRAM: &str = "\
Without a command word, what follows is a prompt with the options of `chat`:
  git diff | parlor \"Write a commit message\"
  parlor -m PROVIDER/MODEL -a photo.jpg \"What is this?\"
  parlor --schema 'name, age int' \"Invent a dog\"
  parlor --tool read_file \"What does src/lib.rs do?\"
A prompt that is a command word needs `chat` or `--` before it: parlor -- models

Exit codes: 0 ok, 1 other, 2 usage, 3 configuration, 4 key, 5 model not found,
6 unreachable or broken off, 7 rate limited, 8 context too long, 9 refused,
10 no JSON by the schema, 11 tool denied or failed, 130 interrupted.";

pub(super) const CHAT: &str = "\
For instance:
  parlor \"Why is the sky blue?\"
  parlor -c \"And at sunset?\"
  parlor chat -s \"Answer in one line\" - < question.txt
  parlor --render always \"What is a monad?\" | less -R

Tools are asked about before they run, but for time, calculator and programs
that only read; --allow NAME lets one run without. The exit code is 11 where
nobody could be asked, where a tool failed and no answer came, and where the
steps were used up:
  parlor --tool calculator \"What is 17 * 23?\"
  parlor --tool all --max-steps 5 \"What is in this folder?\"

The model is the first of: --model, PARLOR_MODEL, the configuration's
default_model, the default of the one provider that has a key, a model server
on this machine, the built-in rules (embedded/rules, no language model).";

pub(super) const BATCH: &str = "\
For instance:
  parlor batch questions.jsonl -o answers.jsonl
  parlor batch dogs.jsonl -t review -p lang=en --schema 'name, age int' -o out.jsonl
  ls | parlor batch - --lines -s \"What is this file for?\" | jq -r .text

A line is {\"prompt\": \"…\"} with `id`, `system`, `temperature`, `max_tokens` where
they are wanted, a whole request ({\"messages\": […]}), or a text in quotes. With a
template its other fields are the parameters.

An answer is a line as `parlor chat --json` prints it, with `index` (from 0), the
question's `id`, and `response_id`; where there is none it has `error` with `kind`
and `retry`. stdout has them in the order of the questions. The file gets them as
they come, and is put in order at the end; what is in it is not asked again, what
failed is; with --provider-batch it is where a later run finds what was handed in.
Ctrl-C stops and waits for what is on its way, twice drops it. The exit
code is 0 only where every question has its answer.";

pub(super) const HISTORY: &str = "\
In a terminal one is picked by the arrows, and Enter goes on with it; elsewhere
they are lines. For instance:
  parlor history              the newest conversations
  parlor history sky blue     those where both words are said
  parlor history --list | head
  parlor history --show k3f9 > talk.md";

pub(super) const MODELS: &str = "\
For instance:
  parlor models mini
  parlor models --ability sees --ability tools
  parlor models --provider PROVIDER
  parlor models default PROVIDER/MODEL";

pub(super) const PROVIDERS: &str = "\
For instance:
  parlor providers
  parlor providers --json | jq -r '.[] | select(.key.source).id'";

pub(super) const USAGE: &str = "\
For instance:
  parlor usage --since 7d
  parlor usage --by day,model --since 2026-11-01 --json";

pub(super) const TEMPLATES: &str = "\
A template is a file in the folder `templates` beside the configuration:
  parlor templates
  parlor -t review -p lang=rust < src/lib.rs
One is built in, which has reasoning and solution apart:
  parlor -t think \"Is 2027 prime?\"";

pub(super) const DOCTOR: &str = "\
For instance:
  parlor doctor
  parlor doctor --fix
  PARLOR_MODEL=echo parlor doctor";
