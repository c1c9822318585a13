//! JSON documents read as streams. Law: one element is in memory at a time, and none larger than [`LARGEST`].

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::source::ReadError;

/// The most bytes of one element.
pub(crate) const LARGEST: u64 = 32 * 1024 * 1024;

/// What is known while a document is read: the line, and how much may still come in one piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    line: Rc<Cell<u64>>,
    left: Rc<Cell<u64>>,
    too_large: Rc<Cell<bool>>,
}

impl Meter {
    /// The line that was read last, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line.get() + 1
    }

    /// The line where an element begins that was just read.
    pub(crate) fn line_of(&self, element: &RawValue) -> u64 {
        let within = element.get().bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.line().saturating_sub(within)
    }

    fn allow(&self, bytes: u64) {
        self.left.set(bytes);
    }
}

struct Metered<R> {
    from: BufReader<R>,
    meter: Meter,
    begun: bool,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begun = true;
            skip_bom(&mut self.from)?;
        }
        let count = self.from.read(into)?;
        // Asked for byte by byte, so there is nothing to be gained from counting cleverly.
        for byte in &into[..count] {
            if *byte == b'\n' {
                self.meter.line.set(self.meter.line.get() + 1);
            }
        }
        let left = self.meter.left.get();
        if left < count as u64 {
            self.meter.too_large.set(true);
            return Err(io::Error::other("too large"));
        }
        self.meter.left.set(left - count as u64);
        Ok(count)
    }
}

fn skip_bom<R: Read>(from: &mut BufReader<R>) -> io::Result<()> {
    use std::io::BufRead as _;
    let mut at = 0;
    while at < 3 && from.fill_buf()?.first() == Some(&b"\xef\xbb\xbf"[at]) {
        from.consume(1);
        at += 1;
    }
    Ok(())
}

/// What is done with the parts of a document.
pub(crate) trait Walk {
    /// What an element with this key is, within an object that is walked through at this depth.
    fn member(&mut self, depth: usize, key: &str) -> Member;
    /// A value that was asked for.
    fn value(&mut self, key: &str, value: &RawValue) -> Result<(), ReadError>;
    /// An element of a list that was asked for.
    fn element(&mut self, element: &RawValue, line: u64) -> Result<(), ReadError>;
    /// An object or list that was walked into has ended.
    fn left(&mut self, _depth: usize) -> Result<(), ReadError> {
        Ok(())
    }
}

/// What to do with a member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// Pass over it.
    Ignore,
    /// Give it whole.
    Value,
    /// It is a list: give its elements one by one.
    Elements,
    /// It is an object, or a list of objects: walk through their members.
    Into,
}

/// Walks through one document, whose root is an object.
pub(crate) fn walk(from: impl Read, walk: &mut dyn Walk) -> Result<(), ReadError> {
    run(from, |meter, failed| Seed { walk, meter, failed, part: Part::Inside(0) })
}

/// Gives the elements of a document whose root is a list.
pub(crate) fn elements(from: impl Read, walk: &mut dyn Walk) -> Result<(), ReadError> {
    run(from, |meter, failed| Seed { walk, meter, failed, part: Part::Elements })
}

fn run<'w, R: Read>(
    from: R,
    seed: impl FnOnce(Meter, Rc<Cell<Option<ReadError>>>) -> Seed<'w>,
) -> Result<(), ReadError> {
    let meter = Meter::default();
    meter.allow(LARGEST);
    let failed = Rc::new(Cell::new(None));
    let metered = Metered { from: BufReader::with_capacity(64 * 1024, from), meter: meter.clone(), begun: false };
    let mut deserializer = serde_json::Deserializer::from_reader(metered);
    let result = seed(meter.clone(), Rc::clone(&failed)).deserialize(&mut deserializer);
    let result = result.and_then(|()| deserializer.end());
    let Err(error) = result else { return Ok(()) };
    if let Some(failed) = failed.take() {
        return Err(failed);
    }
    if meter.too_large.get() {
        return Err(ReadError::malformed(meter.line(), "one entry has more than 32 MiB"));
    }
    if error.is_eof() {
        return Err(ReadError::CutOff { line: meter.line() });
    }
    if error.is_io() {
        return Err(ReadError::Io(error.into()));
    }
    Err(ReadError::malformed(meter.line(), &format!("it is not JSON here: {error}")))
}

#[derive(Clone, Copy)]
enum Part {
    Elements,
    Inside(usize),
}

struct Seed<'w> {
    walk: &'w mut dyn Walk,
    meter: Meter,
    failed: Rc<Cell<Option<ReadError>>>,
    part: Part,
}

impl Seed<'_> {
    fn keep<E: serde::de::Error>(failed: &Cell<Option<ReadError>>, result: Result<(), ReadError>) -> Result<(), E> {
        result.map_err(|error| {
            failed.set(Some(error));
            E::custom("stopped")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.part {
            Part::Elements => deserializer.deserialize_seq(self),
            Part::Inside(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.part {
            Part::Elements => "a list",
            Part::Inside(_) => "an object",
        })
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { walk, meter, failed, part } = self;
        if let Part::Inside(depth) = part {
            if depth == 0 {
                return Err(serde::de::Error::custom("a list stands where an object should"));
            }
            loop {
                let inner = Seed { walk: &mut *walk, meter: meter.clone(), failed: Rc::clone(&failed), part };
                if list.next_element_seed(inner)?.is_none() {
                    return Ok(());
                }
            }
        }
        loop {
            meter.allow(LARGEST);
            let Some(element) = list.next_element::<Box<RawValue>>()? else { return Ok(()) };
            Seed::keep(&failed, walk.element(&element, meter.line_of(&element)))?;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, meter, failed, part } = self;
        let depth = match part {
            Part::Inside(depth) => depth,
            Part::Elements => 0,
        };
        loop {
            meter.allow(LARGEST);
            let Some(key) = map.next_key::<String>()? else { break };
            match walk.member(depth, &key) {
                Member::Ignore => {
                    meter.allow(u64::MAX);
                    map.next_value::<IgnoredAny>()?;
                }
                Member::Value => {
                    let value = map.next_value::<Box<RawValue>>()?;
                    Seed::keep(&failed, walk.value(&key, &value))?;
                }
                member => {
                    let part = if member == Member::Elements { Part::Elements } else { Part::Inside(depth + 1) };
                    let inner = Seed { walk: &mut *walk, meter: meter.clone(), failed: Rc::clone(&failed), part };
                    map.next_value_seed(inner)?;
                }
            }
        }
        Seed::keep(&failed, walk.left(depth))
    }
}

/// The members of one object, in order, as they are written.
pub(crate) fn members(object: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = map.next_entry::<String, &RawValue>()? {
                list.push(entry);
            }
            Ok(list)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(object);
    let list = deserializer.deserialize_map(Members).ok()?;
    deserializer.end().ok()?;
    Some(list)
}

/// A JSON string, or a number as it is written. Lone surrogates make it none.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'-' | b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}
