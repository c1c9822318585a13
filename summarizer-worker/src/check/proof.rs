//! One conversation proved: its records read once, everything derived compared on the way.

use std::collections::BTreeSet;

use shared::domain::{ConversationKey, Coverage, Record, Seq};
use shared::ports::{ConversationRow, Head, Ports, ProjectionStep, StoreError};
use shared::projections::ConversationView;

use super::report::{CheckReport, FaultKind};
use crate::project::Users;

/// Records read in one call.
const CHUNK: usize = 2_000;
/// Summary versions read in one call.
const VERSIONS: usize = 100;

/// Proves one conversation, and repairs its view if it is wrong and `repair` is set.
pub(super) async fn prove(
    ports: &Ports,
    key: &ConversationKey,
    repair: bool,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let Some(head) = ports.log.head(key).await? else { return Ok(()) };
    report.conversations += 1;
    let mark = report.mark();
    let stored = stored_view(ports, key).await?;
    let covers = coverages(ports, key, stored.row()).await?;
    report.summaries += covers.len() as u64;
    let mut proof = Proof::new(key, stored, covers);
    let log = proof.read(ports, head.seq, report).await?;
    proof.finish(&head, log, report);
    if log {
        proof.users_counted(ports, report).await?;
    }
    if repair && log && !proof.sound {
        // What was made from messages that have changed since goes before the view knows of it.
        let changed: Vec<Seq> = proof.changed.iter().copied().collect();
        ports.views.retract(key, &changed).await?;
        ports.views.replace(proof.rebuilt()).await?;
        ports.views.succeeded(key).await?;
        report.repaired(mark);
    }
    Ok(())
}

/// The view as it is stored.
enum Stored {
    Row(Box<ConversationRow>),
    Missing,
    Unreadable(String),
}

impl Stored {
    fn applied(&self) -> Seq {
        self.row().map_or(Seq::ZERO, |row| row.view.applied_seq)
    }

    fn row(&self) -> Option<&ConversationRow> {
        match self {
            Self::Row(row) => Some(row),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

async fn stored_view(ports: &Ports, key: &ConversationKey) -> Result<Stored, StoreError> {
    match ports.views.conversations(std::slice::from_ref(key)).await {
        Ok(rows) => Ok(rows.into_iter().next().flatten().map_or(Stored::Missing, |row| Stored::Row(Box::new(row)))),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => Ok(Stored::Unreadable(error.to_string())),
    }
}

/// What the summaries say that they cover, the pointer's word included, by last seq.
async fn coverages(
    ports: &Ports,
    key: &ConversationKey,
    row: Option<&ConversationRow>,
) -> Result<Vec<Coverage>, StoreError> {
    let mut covers: Vec<Coverage> = row.and_then(|row| row.summary).map(|pointer| pointer.covers).into_iter().collect();
    let mut offset = 0;
    loop {
        let (versions, total) = ports.views.summaries(key, offset, VERSIONS).await?;
        offset += versions.len() as u64;
        let last = versions.is_empty() || offset >= total;
        covers.extend(versions.into_iter().map(|version| version.covers));
        if last {
            break;
        }
    }
    covers.sort_by_key(|c| std::cmp::Reverse(c.last_seq));
    covers.dedup();
    Ok(covers)
}

struct Proof {
    key: ConversationKey,
    stored: Stored,
    /// Newest first, so that the next one to prove is the last.
    covers: Vec<Coverage>,
    /// The fold so far.
    view: ConversationView,
    users: Users,
    /// Messages changed behind the stored view, which knows nothing of that yet.
    changed: BTreeSet<Seq>,
    /// Where the stored view differs, and which coverages do.
    differs: Vec<(FaultKind, String)>,
    /// Whether the stored view was met and found equal, and stands at the end of the log.
    sound: bool,
}

impl Proof {
    fn new(key: &ConversationKey, stored: Stored, covers: Vec<Coverage>) -> Self {
        let view = ConversationView::empty(key);
        Self {
            key: key.clone(),
            stored,
            covers,
            view,
            users: Users::default(),
            changed: BTreeSet::new(),
            differs: Vec::new(),
            sound: true,
        }
    }

    /// Folds the log up to `last`. Answers whether it is whole.
    async fn read(&mut self, ports: &Ports, last: Seq, report: &mut CheckReport) -> Result<bool, StoreError> {
        while self.view.applied_seq < last {
            let next = self.view.applied_seq.next();
            let records = match ports.log.read(&self.key, next, CHUNK).await {
                Ok(records) => records,
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    report.fault(&self.key, FaultKind::Log, format!("from record {next}: {error}"));
                    return Ok(false);
                }
            };
            let records: Vec<Record> = records.into_iter().take_while(|record| record.seq <= last).collect();
            if records.is_empty() || !self.fold(&records, report) {
                let missing = self.view.applied_seq.next();
                report.fault(&self.key, FaultKind::Log, format!("record {missing} is missing"));
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fold(&mut self, records: &[Record], report: &mut CheckReport) -> bool {
        for record in records {
            if !self.view.apply(record) {
                return false;
            }
            report.records += 1;
            report.messages += u64::from(record.posted().is_some());
            if record.seq > self.stored.applied() {
                self.changed.extend(record.changes());
            }
            self.compare();
        }
        self.users.add(records);
        true
    }

    fn compare(&mut self) {
        let seq = self.view.applied_seq;
        if self.stored.row().is_some_and(|row| row.view.applied_seq == seq) {
            let same = self.stored.row().is_some_and(|row| same(&row.view, &self.view));
            if !same {
                self.sound = false;
                self.differs.push((FaultKind::View, format!("differs from the log at record {seq}")));
            }
        }
        while let Some(covers) = self.covers.pop_if(|covers| covers.last_seq <= seq) {
            let view = &self.view;
            let actual = Coverage {
                first_seq: view.first_message,
                last_seq: view.last_message,
                messages: view.messages,
                digest: view.message_digest,
            };
            if covers != actual {
                let last = covers.last_seq;
                self.differs.push((FaultKind::Summary, format!("the log says otherwise at record {last}")));
            }
        }
    }

    fn finish(&mut self, head: &Head, log: bool, report: &mut CheckReport) {
        // A view that has changes before it is behind, not wrong: it was made from what was said before.
        if self.changed.first().is_none_or(|target| *target > self.stored.applied()) {
            for (kind, what) in self.differs.drain(..) {
                report.fault(&self.key, kind, what);
            }
        }
        for covers in self.covers.drain(..) {
            let last = covers.last_seq;
            report.fault(&self.key, FaultKind::Summary, format!("covers up to {last}, where the log does not reach"));
        }
        if !log {
            return;
        }
        let view = &self.view;
        let folded = Head {
            seq: view.applied_seq,
            last_message: view.last_message,
            messages: view.messages,
            received_at: view.received_at,
            ended: view.ended,
        };
        if *head != folded {
            report.fault(&self.key, FaultKind::Head, format!("is not what its records say at {}", head.seq));
        }
        match &self.stored {
            Stored::Row(row) if row.view.applied_seq > head.seq => {
                report.fault(&self.key, FaultKind::View, format!("is ahead of the log's record {}", head.seq));
                self.sound = false;
            }
            Stored::Row(row) if row.view.applied_seq == head.seq => {}
            Stored::Row(_) | Stored::Missing => {
                report.behind += 1;
                self.sound = false;
            }
            Stored::Unreadable(reason) => {
                report.fault(&self.key, FaultKind::View, reason.clone());
                self.sound = false;
            }
        }
    }

    /// The store's count of users, where the view stands at the log's end.
    async fn users_counted(&mut self, ports: &Ports, report: &mut CheckReport) -> Result<(), StoreError> {
        if !self.sound {
            return Ok(());
        }
        let counted = ports.views.participants(&self.key).await?;
        let posted = self.users.len();
        if counted != posted {
            report.fault(&self.key, FaultKind::Participants, format!("{counted} counted, {posted} posted"));
            self.sound = false;
        }
        Ok(())
    }

    fn rebuilt(self) -> ProjectionStep {
        let participations = self.users.into_rows();
        ProjectionStep { key: self.key, from: None, view: self.view, participations, whole: true }
    }
}

fn same(stored: &ConversationView, folded: &ConversationView) -> bool {
    match (stored.to_json(), folded.to_json()) {
        (Ok(stored), Ok(folded)) => stored == folded,
        _ => false,
    }
}
