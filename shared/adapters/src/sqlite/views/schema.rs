//! Tables of `views.db`. Law: the view is one column of JSON; beside it stand only the columns that are compared,
//! searched or ordered by.

use crate::sqlite::format::Format;

pub(in crate::sqlite) const FORMAT: Format =
    Format { application_id: 0x5265_7669, steps: &[VERSION_1, VERSION_2, VERSION_3] };

/// `newest` orders the list, `received` finds idle conversations, `uncovered` those that want a summary. Erasing
/// a conversation removes its row; gists and summaries are kept only beside it. Leases and dead letters are few.
const VERSION_1: &str = "
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    applied_seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    newest INTEGER NOT NULL,
    newest_seq INTEGER NOT NULL,
    last_message INTEGER NOT NULL,
    received INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    uncovered INTEGER NOT NULL,
    version INTEGER NOT NULL,
    pointer TEXT,
    body BLOB NOT NULL,
    UNIQUE (tenant, name)
) STRICT;
CREATE INDEX newest ON conversations (tenant, newest DESC, name);
CREATE INDEX idle ON conversations (received) WHERE ended = 0;
CREATE INDEX uncovered ON conversations (tenant, name) WHERE uncovered = 1;
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;
CREATE TABLE participations (
    conversation INTEGER NOT NULL,
    user INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX history ON participations (user, last DESC, conversation, first);
CREATE TABLE summaries (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (conversation, version)
) STRICT;
CREATE TABLE gists (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    content BLOB NOT NULL,
    maker TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (conversation, content, maker)
) STRICT;
CREATE TABLE leases (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    hop TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (reader TEXT PRIMARY KEY, mark TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// `degraded` finds summaries that a fallback engine wrote; `spend` keeps the books of models, one row for each
/// tenant and day.
const VERSION_2: &str = "
ALTER TABLE conversations ADD COLUMN degraded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX degraded ON conversations (newest DESC) WHERE degraded = 1;
CREATE TABLE spend (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (tenant, day)
) STRICT, WITHOUT ROWID;
";

/// `epoch` counts how often summaries were taken back. Of gists and versions it is known which records they were made
/// from; of those of an older format it is not, and they go whenever anything is taken back.
const VERSION_3: &str = "
ALTER TABLE conversations ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gists ADD COLUMN first INTEGER;
ALTER TABLE gists ADD COLUMN last INTEGER;
ALTER TABLE summaries ADD COLUMN last_seq INTEGER;
";
