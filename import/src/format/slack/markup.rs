//! Slack's markup as plain text: `<@U1>`, `<#C1|general>`, `<https://…|label>`, `<!here>`, `&amp;`.

use std::collections::HashMap;

/// The text as people saw it.
pub(super) fn plain(text: &str, people: &HashMap<String, String>, rooms: &HashMap<String, String>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        shown.push_str(&rest[..start]);
        let inside = &rest[start + 1..start + length];
        shown.push_str(&reference(inside, people, rooms));
        rest = &rest[start + length + 1..];
    }
    shown.push_str(rest);
    if shown.contains('&') {
        // The ampersand last, for `&amp;lt;` was written as `&lt;`.
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    }
    shown
}

fn reference(inside: &str, people: &HashMap<String, String>, rooms: &HashMap<String, String>) -> String {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.is_empty())),
        None => (inside, None),
    };
    let name = |sign: char, names: &HashMap<String, String>, id: &str| {
        format!("{sign}{}", label.or(names.get(id).map(String::as_str)).unwrap_or(id))
    };
    match target.split_at_checked(1) {
        Some(("@", id)) => match people.get(id) {
            Some(known) => format!("@{known}"),
            None => name('@', people, id),
        },
        Some(("#", id)) => name('#', rooms, id),
        Some(("!", command)) => {
            let command = command.split('^').next().unwrap_or(command);
            label.map_or_else(|| format!("@{command}"), str::to_owned)
        }
        Some(_) => {
            let link = target.strip_prefix("mailto:").or_else(|| target.strip_prefix("tel:")).unwrap_or(target);
            match label {
                Some(label) if label != link && !target.ends_with(label) => format!("{label} ({link})"),
                _ => link.to_owned(),
            }
        }
        None => format!("<{inside}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_escapes_become_what_people_saw() {
        let people = HashMap::from([("U1".to_owned(), "anna".to_owned())]);
        let rooms = HashMap::from([("C1".to_owned(), "general".to_owned())]);
        for (written, shown) in [
            ("hi <@U1> and <@U2|ben> and <@U3>", "hi @anna and @ben and @U3"),
            ("<!here> in <#C1> or <#C2|random>", "@here in #general or #random"),
            (
                "<https://a.b/c|the page> <https://a.b> <mailto:x@y.z|x@y.z>",
                "the page (https://a.b/c) https://a.b x@y.z",
            ),
            ("a &lt;b&gt; &amp;amp; c < d", "a <b> &amp; c < d"),
            ("<!subteam^S1|@team> <!date^1392734382^{date}|Feb 18>", "@team Feb 18"),
            ("<> a > b", "<> a > b"),
        ] {
            assert_eq!(plain(written, &people, &rooms), shown);
        }
    }
}
