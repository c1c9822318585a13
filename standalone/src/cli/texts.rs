//! What the commands say of themselves beside their settings: examples, exit codes, what to know first.

pub(crate) const EXAMPLES: &str = "\
Examples:
  recap                                    serve on http://127.0.0.1:8000 with data under ./data
  recap import 'WhatsApp Chat.txt'         bring a chat along, into the running server
  recap watch team-sync                    see its summary change
  recap summarize notes.txt                summarize a file here and now, without a server
  recap export --all -o backup.jsonl       everything, to be imported again
  recap keys create --tenant acme --scopes write,read

Exit codes:
  0  done
  1  failed; the last line on standard error says why, and what to do
  2  bad usage or configuration; nothing was begun
  3  done in part: something was left out, and the report says what

All settings, with their defaults, are also in docs/configuration.md.";

pub(crate) const SERVE: &str = "\
Examples:
  recap serve                                      on http://127.0.0.1:8000 with data under ./data
  recap serve --listen-addr 0.0.0.0:8000 --store-url embedded:/srv/recap --anonymous off
  OPENAI_API_KEY=sk-... OPENAI_MODEL=gpt-4o-mini recap serve

Settings may also stand in a file `.env`. Ctrl-C or SIGTERM ends it within ten seconds, and loses
nothing that was acknowledged.

Exit codes: 0 after a clean stop, 1 failed, 2 bad usage or configuration.";

pub(crate) const IMPORT: &str = "\
Formats, each found out by itself:
  slack       the export of a workspace: the zip, or its folder
  discord     JSON of DiscordChatExporter
  whatsapp    an exported chat of Android or iOS: the text, or the zip around it
  mattermost  bulk export: JSON lines, or the zip around them
  telegram    result.json of Telegram Desktop, one chat or all
  plain       lines `Name: text`, with or without a date before
  jsonl       what `recap export` wrote; bodies of POST /chats; objects with text, user, time
  markdown    what `recap export --format markdown` wrote

Examples:
  recap import acme-slack.zip --prefix acme/
  recap import 'WhatsApp Chat with Ski.txt' --timezone Europe/Berlin --conversation ski
  recap import chat.json --dry-run
  zcat log.jsonl.gz | recap import -

Importing needs a running server (`recap serve`, in another terminal), and a key or its anonymous
access. Importing the same again, or going on after a break, doubles nothing: message ids are made
from the source.

Exit codes:
  0  all imported, also where only joins, deletions and the like were skipped
  1  failed
  2  bad usage
  3  something was left out, and the report says what";

pub(crate) const EXPORT: &str = "\
Examples:
  recap export team-sync                           to standard output, one JSON object a line
  recap export team-sync --format markdown -o team-sync.md
  recap export --all -o backup.jsonl && recap import backup.jsonl --url http://other:8000

Both forms hold users, times, message ids, metadata and order, and `recap import` reads them back.
Messages that have no id of their own get one made of their number.

Exit codes: 0 done, 1 failed, 2 bad usage.";

pub(crate) const SUMMARIZE: &str = "\
Examples:
  recap summarize 'WhatsApp Chat with Ski.txt'
  recap summarize acme-slack.zip --conversation general --explain
  pbpaste | recap summarize - --json
  recap summarize notes.txt --engine model --explain

Reads all that `recap import` reads. Nothing leaves this machine, unless the model is asked for by
`--engine model`. It is named and limited by the variables that a server reads, also from `.env`
(OPENAI_*, LLM_*); a daily cap counts for this command alone.

Exit codes: 0 done, 3 a file could not be read to its end or something in it was left out (standard
error says what), 1 failed, 2 bad usage.";

pub(crate) const WATCH: &str = "\
Examples:
  recap watch team-sync
  recap watch team-sync --json | jq -r 'select(.type == \"summary\").summary'
  recap watch team-sync --once --summary-type detailed

Ends with the conversation, or with Ctrl-C. A connection that breaks is made again.

Exit codes: 0 the conversation ended or the summary came, 1 failed, 2 bad usage.";

pub(crate) const HEALTH: &str = "\
Example, in a Dockerfile:
  HEALTHCHECK CMD [\"recap\", \"health\"]

Silent where the server can serve; `--json` says it in words.

Exit codes: 0 the server can serve, 1 it cannot or does not answer, 2 bad usage.";

pub(crate) const KEYS: &str = "\
Examples:
  recap keys create --tenant public --scopes write,read --rate 0
  KEY=$(recap keys create --tenant acme --scopes read --expires 90d)
  recap keys list --json | jq -r 'select(.state == \"active\").prefix'
  recap keys revoke rk_12345678

A key is printed once, alone on standard output; the store keeps a hash of it. A server that runs
takes it at once, and refuses a revoked one within 5 seconds. A tenant sees its own data only;
`public` is the tenant of callers without a key.

Exit codes: 0 done, 1 failed, 2 bad usage.";

pub(crate) const AUDIT: &str = "\
Examples:
  recap audit
  recap audit --tenant acme --user anna
  recap audit --json | jq -r 'select(.what == \"erase_user\" and .outcome == \"done\").at'

Each act has two entries under one number: asked, written before anything is done, and how it
ended. One that stands as asked alone is under way, or was cut short. Nothing that anybody wrote
is in the record, and of users whose messages were erased or exported only a digest. Entries are
never changed or removed.

Exit codes: 0 listed, 1 failed, 2 bad usage.";

pub(crate) const CHECK: &str = "\
Examples:
  recap check                                      the folder ./data, or where STORE_URL says
  recap check --repair                             make wrong views anew from the log
  recap check --store-url embedded:/srv/recap
  recap check --json | jq -r '.faults[].conversation_id'

An embedded store needs its server stopped. Nothing in the log is ever changed.

Exit codes: 0 all is well or was mended, 1 something is wrong (each fault is a line), 2 bad usage.";

pub(crate) const MIGRATE: &str = "\
Examples:
  recap migrate                                    the folder ./data, or where STORE_URL says
  recap migrate --json --store-url embedded:/srv/recap

A server does the same at its start. Copy the data folder first: there is no way back.

Exit codes: 0 the store has the format of this version, 1 failed, 2 bad usage.";

pub(crate) const DEAD_LETTERS: &str = "\
Examples:
  recap dead-letters list
  recap dead-letters replay team-sync --tenant acme
  recap dead-letters replay --all
  recap dead-letters list --json | jq -r .reason

No message is lost when work fails: the log has it, and the work is tried again, ever more seldom.

Exit codes: 0 done, 1 failed or fails still, 2 bad usage.";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  recap completions bash > /etc/bash_completion.d/recap
  recap completions zsh > \"${fpath[1]}/_recap\"
  recap completions fish > ~/.config/fish/completions/recap.fish";

pub(crate) const BENCH: &str = "\
In a checkout of the sources:

  cargo build --release -p recap && cargo run --release -p recap-bench

It starts the server itself, in a folder that it removes again, and prints each figure beside its
target. docs/performance.md has figures of ours and what limits them.
";
