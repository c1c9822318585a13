//! What to read, and how: shared by all commands that read chat exports.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::Args;
use import_formats::{DateOrder, Format, Item, Options, Source, Stopped, Zone};

/// Chat exports.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceConfig {
    /// Exported files, folders or zips; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format, where it is not found out: slack, discord, whatsapp, mattermost, telegram, plain, jsonl, markdown
    #[arg(long)]
    format: Option<Format>,
    /// The clock behind local times, such as +02:00 or Europe/Berlin
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    timezone: Zone,
    /// How dates are written, where that is not found out: dmy, mdy, ymd
    #[arg(long, value_name = "ORDER")]
    date_order: Option<DateOrder>,
    #[arg(skip)]
    progress: Arc<AtomicU64>,
}

/// What comes of reading.
#[derive(Debug)]
pub(crate) enum Event {
    Item(Item),
    /// A file was read to its end.
    Read {
        format: Format,
    },
    /// A file could not be read to its end.
    Failed {
        file: String,
        error: String,
    },
}

/// Takes events, on the reading thread.
pub(crate) trait Receiver {
    fn take(&mut self, event: Event) -> Result<(), Stopped>;
    fn flush(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

impl SourceConfig {
    /// Standard input can be read once.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let streams = self.files.iter().filter(|file| file.as_os_str() == "-").count();
        anyhow::ensure!(streams <= 1, "`-` can be given once");
        Ok(())
    }

    /// How large all of it is, where that can be known before.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let size =
            |file: &PathBuf| std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        self.files.iter().map(size).sum()
    }

    /// Counts bytes while they are read.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// Reads all files, one after the other; one that fails does not stop the next.
    pub(crate) fn read_all(&self, to: &mut dyn Receiver) {
        let options = Options {
            format: self.format,
            zone: self.timezone.clone(),
            date_order: self.date_order,
            progress: Arc::clone(&self.progress),
        };
        for file in &self.files {
            let source = if file.as_os_str() == "-" {
                Source::Stream("stdin".to_owned(), Box::new(std::io::stdin()))
            } else {
                Source::Path(file.clone())
            };
            let read = import_formats::read(source, &options, &mut |item| to.take(Event::Item(item)));
            let event = match read {
                Ok(format) => Event::Read { format },
                Err(import_formats::ReadError::Stopped(_)) => return,
                Err(error) => Event::Failed {
                    file: file.display().to_string(),
                    error: format!("{:#}", anyhow::Error::new(error)),
                },
            };
            if to.take(event).is_err() {
                return;
            }
        }
        // Whoever stopped listening has its reason.
        let _ = to.flush();
    }
}
