//! In what form an endpoint takes a question, found out by asking. Law: each complaint leads to a plainer form, and
//! no form is tried twice, so this ends.

use parking_lot::Mutex;

use super::failure::Complaint;

/// How the form of the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// By JSON Schema ("structured outputs").
    Schema,
    /// By "JSON mode", with the schema in the text.
    Object,
    /// By the text alone.
    Plain,
}

/// What an endpoint understands.
#[expect(clippy::struct_excessive_bools, reason = "each is one question that an endpoint answers by itself")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) form: Form,
    /// `max_completion_tokens`, else the older `max_tokens`.
    pub(super) new_limit: bool,
    /// Whether the limit was changed already.
    limit_changed: bool,
    /// Whether a temperature may be given.
    pub(super) temperature: bool,
    /// Whether answers come in pieces.
    pub(super) stream: bool,
    /// Whether a stream may be asked to tell its usage.
    pub(super) stream_usage: bool,
}

impl Dialect {
    const BEST: Self = Self {
        form: Form::Schema,
        new_limit: true,
        limit_changed: false,
        temperature: true,
        stream: true,
        stream_usage: true,
    };

    /// A plainer one that answers a complaint about this one, if there is one.
    fn plainer(self, complaint: &Complaint) -> Option<Self> {
        let about = |words: &[&str]| {
            words.iter().any(|word| complaint.param.contains(word) || complaint.message.contains(word))
        };
        if about(&["temperature"]) && self.temperature {
            return Some(Self { temperature: false, ..self });
        }
        if about(&["max_completion_tokens", "max_tokens"]) && !self.limit_changed {
            return Some(Self { new_limit: !self.new_limit, limit_changed: true, ..self });
        }
        if about(&["stream_options", "include_usage"]) && self.stream_usage {
            return Some(Self { stream_usage: false, ..self });
        }
        if about(&["stream"]) && self.stream {
            return Some(Self { stream: false, ..self });
        }
        if about(&["response_format", "json_schema", "json_object", "schema", "structured", "grammar"]) {
            return self.plainer_form();
        }
        None
    }

    fn plainer_form(self) -> Option<Self> {
        match self.form {
            Form::Schema => Some(Self { form: Form::Object, ..self }),
            Form::Object => Some(Self { form: Form::Plain, ..self }),
            Form::Plain => None,
        }
    }
}

/// The dialect of one endpoint, as far as it is known.
#[derive(Debug)]
pub(super) struct Known(Mutex<(Dialect, bool)>);

impl Known {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Dialect::BEST, false)))
    }

    pub(super) fn now(&self) -> Dialect {
        self.0.lock().0
    }

    /// A question in this dialect was answered.
    pub(super) fn understood(&self) {
        self.0.lock().1 = true;
    }

    /// A question in this dialect was refused with 400 or 422. Answers which to try next, if any. An endpoint that
    /// never answered and does not say what it minds is asked more plainly too.
    pub(super) fn refused(&self, used: Dialect, complaint: &Complaint) -> Option<Dialect> {
        let mut known = self.0.lock();
        if known.0 != used {
            // Another call has found out meanwhile.
            return Some(known.0);
        }
        let next = used.plainer(complaint).or_else(|| if known.1 { None } else { used.plainer_form() })?;
        known.0 = next;
        drop(known);
        tracing::info!(?next, "the model's endpoint is asked more plainly");
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(param: &str) -> Complaint {
        Complaint { param: param.to_owned(), ..Complaint::default() }
    }

    #[test]
    fn each_complaint_leads_to_a_plainer_form_and_it_ends() {
        let known = Known::new();
        let mut steps = 0;
        for param in
            ["temperature", "max_completion_tokens", "stream_options", "stream", "response_format", "json_object"]
        {
            let next = known.refused(known.now(), &about(param)).unwrap();
            assert_eq!(next, known.now());
            steps += 1;
        }
        let last = known.now();
        assert_eq!((last.form, last.new_limit, last.temperature, last.stream), (Form::Plain, false, false, false));
        assert_eq!(steps, 6);
        for param in ["temperature", "max_tokens", "stream", "response_format"] {
            assert_eq!(known.refused(last, &about(param)), None, "{param}");
        }
    }

    #[test]
    fn an_endpoint_that_has_answered_is_not_made_plainer_by_a_strange_complaint() {
        let known = Known::new();
        assert_eq!(known.refused(known.now(), &about("messages")).map(|next| next.form), Some(Form::Object));
        known.understood();
        assert_eq!(known.refused(known.now(), &about("messages")), None);
    }

    #[test]
    fn who_comes_late_takes_what_was_found_out() {
        let known = Known::new();
        let used = known.now();
        let found = known.refused(used, &about("response_format")).unwrap();
        assert_eq!(known.refused(used, &about("response_format")), Some(found));
    }
}
