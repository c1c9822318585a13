//! One source read: what it is, and which parser reads it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::clock::{DateOrder, Zone};
use crate::detect::{HEAD, detect};
use crate::folder::{Directory, Folder, Zip};
use crate::format::{self, Context, Format};
use crate::item::{Item, Place, Reason, Skipped};

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The format; absent: found out.
    pub format: Option<Format>,
    /// Where the clock stood, for formats that tell local times.
    pub zone: Zone,
    /// Order of day and month; absent: found out.
    pub date_order: Option<DateOrder>,
    /// Counts the bytes read of the source, for a progress bar.
    pub progress: Arc<AtomicU64>,
}

/// Where to read from.
pub enum Source {
    /// A file, a folder or a zip.
    Path(PathBuf),
    /// A stream with a name for it; no zip.
    Stream(String, Box<dyn Read>),
}

/// The receiver wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("stopped")]
pub struct Stopped;

/// Why a source could not be read to its end. What came before stands.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It could not be read.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    /// It ends in the middle.
    #[error("it is cut off in line {line}: get the whole file and import it again, what is there is not doubled")]
    CutOff {
        /// The last line.
        line: u64,
    },
    /// It does not keep to its format from some place on.
    #[error("line {line}: {why}")]
    Malformed {
        /// Where.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// A zip that is damaged or incomplete.
    #[error("the zip is damaged or incomplete ({0}): get it again")]
    Zip(String),
    /// No known format.
    #[error("no known chat export: name its format with --format")]
    Unknown,
    /// A zip that comes as a stream.
    #[error("a zip cannot be read from a stream: name the file")]
    ZipStream,
    /// UTF-16, as some editors write it.
    #[error("it is UTF-16 text: save it as UTF-8")]
    Utf16,
    /// One of the files in a folder or zip.
    #[error("{file}")]
    Within {
        /// Its path there.
        file: String,
        /// What is wrong with it.
        #[source]
        source: Box<ReadError>,
    },
    /// The receiver wants no more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ReadError {
    pub(crate) fn malformed(line: u64, why: &str) -> Self {
        Self::Malformed { line, why: why.to_owned() }
    }

    fn within(self, file: &str) -> Self {
        match self {
            Self::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Within { file: file.to_owned(), source: Box::new(other) },
        }
    }
}

/// Takes the items.
pub(crate) type Emit<'e> = &'e mut dyn FnMut(Item) -> Result<(), Stopped>;

/// Reads a source to its end, each item in order. Answers which format it was.
pub fn read(
    source: Source,
    options: &Options,
    emit: &mut dyn FnMut(Item) -> Result<(), Stopped>,
) -> Result<Format, ReadError> {
    match source {
        Source::Stream(name, from) => {
            let from = Counting { from, count: Arc::clone(&options.progress) };
            stream(&name, from, options, emit)
        }
        Source::Path(path) if path.is_dir() => folder(&mut Directory::open(&path)?, &name_of(&path), options, emit),
        Source::Path(path) => {
            let mut file = std::fs::File::open(&path)?;
            let mut magic = Vec::new();
            (&mut file).take(4).read_to_end(&mut magic)?;
            io::Seek::rewind(&mut file)?;
            let file = Counting { from: file, count: Arc::clone(&options.progress) };
            if is_zip(&magic) {
                let mut zip = Zip::open(file)?;
                return folder(&mut zip, &name_of(&path), options, emit);
            }
            stream(&name_of(&path), file, options, emit)
        }
    }
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn name_of(path: &Path) -> String {
    let name = path.canonicalize().ok().as_deref().unwrap_or(path).file_name().map(std::ffi::OsStr::to_os_string);
    name.unwrap_or_else(|| "import".into()).to_string_lossy().into_owned()
}

/// A file by itself.
fn stream(name: &str, mut from: impl Read, options: &Options, emit: Emit<'_>) -> Result<Format, ReadError> {
    let head = head(&mut from)?;
    if is_zip(&head) {
        return Err(ReadError::ZipStream);
    }
    let format = known(options, name, &head)?;
    let context = Context { options, name: name.into(), stem: stem(name) };
    format::read(format, &context, &mut io::Cursor::new(head).chain(from), emit)?;
    Ok(format)
}

fn known(options: &Options, name: &str, head: &[u8]) -> Result<Format, ReadError> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(ReadError::Utf16);
    }
    options.format.or_else(|| detect(name, head)).ok_or(ReadError::Unknown)
}

fn head(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    from.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A name without its folders and its ending.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    };
    stem.strip_prefix("WhatsApp Chat with ")
        .or_else(|| stem.strip_prefix("WhatsApp Chat - "))
        .unwrap_or(stem)
        .to_owned()
}

/// A folder or zip: of one workspace, or of files that each stand by themselves.
fn folder(folder: &mut dyn Folder, name: &str, options: &Options, emit: Emit<'_>) -> Result<Format, ReadError> {
    let names = folder.names();
    let slack = format::slack::Workspace::among(&names);
    if options.format == Some(Format::Slack) || (options.format.is_none() && slack) {
        format::slack::workspace(folder, options, emit)?;
        return Ok(Format::Slack);
    }
    let mut found = None;
    let mut others = Vec::new();
    for file in names {
        let mut from = folder.open(&file)?;
        let head = head(&mut from).map_err(|error| ReadError::from(error).within(&file))?;
        let Ok(format) = known(options, &file, &head) else {
            others.push(file);
            continue;
        };
        // The one chat of a zip is called as the zip is, not as the file in it, which has the same name in all.
        let plain = file.rsplit('/').next().unwrap_or(&file);
        let stem = if matches!(plain, "_chat.txt" | "result.json") { stem(name) } else { stem(&file) };
        let context = Context { options, name: file.as_str().into(), stem };
        let result = format::read(format, &context, &mut io::Cursor::new(head).chain(from), emit);
        result.map_err(|error| error.within(&file))?;
        found = Some(format);
    }
    let found = found.ok_or(ReadError::Unknown)?;
    for file in others {
        let place = Place { file: file.as_str().into(), line: 0 };
        emit(Item::Skipped(Skipped { reason: Reason::NotChat, place, excerpt: String::new() }))?;
    }
    Ok(found)
}

/// Counts what is read.
pub(crate) struct Counting<R> {
    from: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: io::Seek> io::Seek for Counting<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.from.seek(to)
    }
}
