//! Objects and lists taken apart one level deep. The text is well-formed JSON already.

use std::fmt;
use std::ops::ControlFlow;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fault, JsonType};

/// What is told of a value of another type than `expected` (which is named with its article).
pub(super) fn wrong_type(expected: &'static str, value: &RawValue) -> Fault {
    Fault::WrongType { expected, found: JsonType::of(value) }
}

/// The text of a string.
pub(super) fn text(value: &RawValue) -> Result<String, Fault> {
    serde_json::from_str(value.get()).map_err(|_| wrong_type("a string", value))
}

/// Shows each field of an object, until told to stop.
pub(super) fn fields<'a>(
    object: &'a RawValue,
    each: impl FnMut(&str, &'a RawValue) -> ControlFlow<()>,
) -> Result<(), Fault> {
    if JsonType::of(object) != JsonType::Object {
        return Err(wrong_type("an object", object));
    }
    // Being stopped early is an error to the parser; no other is possible in well-formed text.
    let _ = serde_json::Deserializer::from_str(object.get()).deserialize_map(Fields(each));
    Ok(())
}

/// How many elements a list has.
pub(super) fn count(list: &RawValue) -> Result<usize, Fault> {
    let mut count = 0;
    elements(list, |place, _: IgnoredAny| {
        count = place + 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// Shows each element of a list with its place, until told to stop.
pub(super) fn elements<'a, T: Deserialize<'a>>(
    list: &'a RawValue,
    each: impl FnMut(usize, T) -> ControlFlow<()>,
) -> Result<(), Fault> {
    if JsonType::of(list) != JsonType::List {
        return Err(wrong_type("a list", list));
    }
    let visitor = Elements { each, element: std::marker::PhantomData };
    let _ = serde_json::Deserializer::from_str(list.get()).deserialize_seq(visitor);
    Ok(())
}

struct Fields<F>(F);

impl<'a, F: FnMut(&str, &'a RawValue) -> ControlFlow<()>> Visitor<'a> for Fields<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, _>()? {
            if (self.0)(&name, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Elements<F, T> {
    each: F,
    element: std::marker::PhantomData<fn() -> T>,
}

impl<'a, T: Deserialize<'a>, F: FnMut(usize, T) -> ControlFlow<()>> Visitor<'a> for Elements<F, T> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(value) = list.next_element()? {
            if (self.each)(place, value).is_break() {
                break;
            }
            place += 1;
        }
        Ok(())
    }
}
