//! A summary put together from what passed the checks.

use shared::domain::{Dropped, DroppedPart, SummaryContent};
use shared::ports::SummarizerError;
use shared_insights::{Sentiment, SentimentScore};

use super::part::{FINDINGS, ITEMS, Part, newest};

/// Keywords of a summary.
const KEYWORDS: usize = 10;
/// From this on a conversation is no longer neutral, in thousandths.
const MOOD: i64 = 200;

/// The summary of earlier parts and the newest one, with texts of the whole.
pub(crate) fn content(
    earlier: &mut Part,
    newest_part: Part,
    brief: String,
    detailed: String,
    dropped: &mut Vec<Dropped>,
) -> Result<SummaryContent, SummarizerError> {
    let mood = mood(&[(earlier.messages, earlier.mood), (newest_part.messages, newest_part.mood)]);
    let mut content = SummaryContent {
        brief,
        detailed,
        sentiment: mood,
        keywords: either(newest_part.keywords, &earlier.keywords),
        action_items: std::mem::take(&mut earlier.todo),
        decisions: std::mem::take(&mut earlier.decided),
        open_questions: std::mem::take(&mut earlier.asked),
    };
    content.action_items.extend(newest_part.todo);
    content.decisions.extend(newest_part.decided);
    content.open_questions.extend(newest_part.asked);
    let about = if newest_part.about.is_empty() { std::mem::take(&mut earlier.about) } else { newest_part.about };
    complete(content, &about, dropped)
}

/// The summary before, with what came since.
pub(crate) fn write_on(
    before: SummaryContent,
    messages: u64,
    parts: &[Part],
    newest_part: Part,
    brief: String,
    dropped: &mut Vec<Dropped>,
) -> Result<SummaryContent, SummarizerError> {
    #[expect(clippy::cast_possible_truncation, reason = "a score lies between -1 and 1")]
    let score = (before.sentiment.score.clamp(-1.0, 1.0) * 1_000.0) as i64;
    let mut moods = vec![(messages, score)];
    moods.extend(parts.iter().map(|part| (part.messages, part.mood)));
    moods.push((newest_part.messages, newest_part.mood));
    let mut content = SummaryContent { sentiment: mood(&moods), ..before };
    for about in parts.iter().map(|part| &part.about).chain([&newest_part.about]).filter(|about| !about.is_empty()) {
        content.detailed.push_str("\n\n");
        content.detailed.push_str(about);
    }
    let about = if brief.is_empty() { content.brief.clone() } else { newest_part.about };
    content.brief = brief;
    content.keywords = either(newest_part.keywords, &content.keywords);
    content.action_items.extend(newest_part.todo);
    content.decisions.extend(newest_part.decided);
    content.open_questions.extend(newest_part.asked);
    complete(content, &about, dropped)
}

/// Within its bounds, and with no text empty.
fn complete(
    mut content: SummaryContent,
    about: &str,
    dropped: &mut Vec<Dropped>,
) -> Result<SummaryContent, SummarizerError> {
    newest(&mut content.action_items, ITEMS, DroppedPart::ActionItem, dropped);
    newest(&mut content.decisions, FINDINGS, DroppedPart::Decision, dropped);
    newest(&mut content.open_questions, FINDINGS, DroppedPart::Question, dropped);
    let first = [&content.brief, &content.detailed].into_iter().find(|text| !text.is_empty());
    let stand_in = first.map_or_else(|| about.to_owned(), Clone::clone);
    if stand_in.is_empty() {
        return Err(SummarizerError::Refused("nothing of the model's answer passed the checks".to_owned()));
    }
    for text in [&mut content.brief, &mut content.detailed] {
        if text.is_empty() {
            text.clone_from(&stand_in);
        }
    }
    Ok(content)
}

fn either(first: Vec<String>, then: &[String]) -> Vec<String> {
    let mut keywords = first;
    for keyword in then {
        if !keywords.iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
            keywords.push(keyword.clone());
        }
    }
    keywords.truncate(KEYWORDS);
    keywords
}

/// The mean of moods by messages.
fn mood(moods: &[(u64, i64)]) -> SentimentScore {
    let messages: u64 = moods.iter().map(|(messages, _)| messages).sum();
    let weighed: i128 = moods.iter().map(|(messages, mood)| i128::from(*messages) * i128::from(*mood)).sum();
    let mean = if messages == 0 { 0 } else { i64::try_from(weighed / i128::from(messages)).unwrap_or(0) };
    let class = match mean {
        MOOD.. => Sentiment::Positive,
        ..=-200 => Sentiment::Negative,
        _ => Sentiment::Neutral,
    };
    SentimentScore { class, score: mean as f64 / 1_000.0 }
}
