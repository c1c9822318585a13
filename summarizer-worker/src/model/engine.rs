//! The engine that asks a model.
//!
//! Law: each message is sent once on the usual way, and whatever comes back is checked against what was sent before
//! anybody sees it.

use std::sync::Arc;

use async_trait::async_trait;
use compact_str::{CompactString, format_compact};
use shared::domain::{Dropped, Usage};
use shared::ports::{
    ChatModel, ChatProgress, EventBus, Folded, Gist, Gisted, Material, Ports, SegmentSize, Summarizer, SummarizerError,
    SummaryMessage, SummaryRun,
};
use shared_insights::{ActionItem, Finding};

use super::caller::{Caller, Question};
use super::checked::{Checked, Checks};
use super::config::{ModelConfig, ModelConfigError};
use super::fence::Fence;
use super::ground::Ground;
use super::ledger::Ledger;
use super::open::{Shown, chosen};
use super::part::{ABOUT, Part, close, shown};
use super::partial::Partials;
use super::prompts::{Prompt, VERSION};
use super::reply::{self, Answer};
use super::schema::Schemas;
use super::tokens::Tokens;
use super::update::is_enough;
use super::veil::{ORDERS, Veils};
use super::write::content;

/// Notes of a few short messages would cost more than they do, so a segment of these gets more of them.
const SEGMENT: SegmentSize = SegmentSize { messages: 40, least_tokens: 1_500, most_tokens: 3_000 };

/// Writes summaries with a model.
pub struct ModelSummarizer {
    caller: Caller,
    schemas: Schemas,
    veils: Veils,
    pub(super) bus: Arc<dyn EventBus>,
    engine: CompactString,
    maker: CompactString,
}

/// Why there is no model engine.
#[derive(Debug, thiserror::Error)]
pub enum ModelEngineError {
    /// The settings do not hold together.
    #[error(transparent)]
    Config(#[from] ModelConfigError),
    /// The encoding cannot be loaded.
    #[error("tokens cannot be counted: {0}")]
    Tokens(String),
}

impl ModelSummarizer {
    /// Over a model. Nothing is asked yet.
    pub fn new(model: Arc<dyn ChatModel>, ports: &Ports, config: &ModelConfig) -> Result<Self, ModelEngineError> {
        let name = model.model();
        let price = config.price(&name)?;
        let ledger = Ledger::new(Arc::clone(&ports.views), Arc::clone(&ports.clock), config.cap(), price);
        let tokens = Tokens::new().map_err(ModelEngineError::Tokens)?;
        Ok(Self {
            caller: Caller::new(model, Arc::clone(&ports.ids), ledger, tokens, config.clone()),
            schemas: Schemas::new(),
            veils: Veils::new(&config.redact, ports.ids.random()),
            bus: Arc::clone(&ports.bus),
            engine: format_compact!("openai:{name}"),
            maker: format_compact!("openai:{name}/{VERSION}"),
        })
    }

    pub(super) async fn ask(
        &self,
        run: &SummaryRun,
        prompt: Prompt,
        fence: Fence,
        progress: Option<&mut dyn ChatProgress>,
        usage: &mut Usage,
    ) -> Result<(Answer, String), SummarizerError> {
        let wanted = match prompt {
            Prompt::Gist | Prompt::Merge => "about",
            Prompt::Fold | Prompt::Update | Prompt::Cross => "brief",
            Prompt::Repair => "texts",
        };
        let mut role = prompt.role(fence.mark());
        let (text, veil) = fence.close();
        if veil.hides_something() {
            role.push_str(ORDERS);
        }
        let question = Question {
            tenant: &run.key.tenant,
            prompt,
            role: role.clone(),
            text,
            schema: self.schemas.of(prompt),
            most_output: self.caller.config.llm_max_output_tokens,
        };
        // Of the end of a segment nobody else would tell.
        let told = |answer: &Answer| prompt != Prompt::Cross || !answer.detailed.is_empty();
        let read = |text: &str| reply::read(text, wanted).filter(told);
        let mut answer = self.caller.ask(&question, progress, read, usage).await?;
        answer.each(|text| veil.lift(text));
        Ok((answer, role))
    }

    pub(super) fn fence(&self, run: &SummaryRun) -> Fence {
        Fence::open(self.caller.ids.random(), self.veils.over(&run.key))
    }

    /// Answers checked against what they were made from; words that stand nowhere are asked away once.
    pub(super) async fn checked(
        &self,
        run: &SummaryRun,
        answer: &Answer,
        checks: Checks<'_>,
        usage: &mut Usage,
    ) -> Result<Checked, SummarizerError> {
        if checks.of_another_language(answer) {
            return Err(SummarizerError::Refused("the model wrote in another language than the chat's".to_owned()));
        }
        let mut texts = checks.texts(answer);
        let unfounded = checks.unfounded(&texts);
        if !unfounded.is_empty() {
            let mut fence = self.fence(run);
            fence.line("Words: ", &unfounded.join(", "));
            for text in &texts {
                fence.line("Text: ", text);
            }
            // Without a repair the sentences are dropped.
            match self.ask(run, Prompt::Repair, fence, None, usage).await {
                Ok((repaired, _)) => checks.repaired(&mut texts, &repaired.texts),
                Err(error) => tracing::debug!(%error, "a summary could not be repaired"),
            }
        }
        Ok(checks.done(answer, texts))
    }
}

/// Adds lines of a chat, numbered from 1: a seq may be many tokens long. The first of them may be marked off.
pub(super) fn chat(fence: &mut Fence, lines: &[SummaryMessage], rest: usize) {
    if lines.is_empty() {
        return;
    }
    fence.heading("Lines:");
    for (number, line) in (1..).zip(lines) {
        fence.said(number, line.user.as_str(), &line.content);
        if usize::try_from(number).is_ok_and(|number| number == rest) {
            fence.heading("Later:");
        }
    }
}

/// Adds notes of parts.
pub(super) fn notes(fence: &mut Fence, parts: &[Part]) {
    if parts.iter().all(|part| part.about.is_empty()) {
        return;
    }
    fence.heading("Notes:");
    for part in parts.iter().filter(|part| !part.about.is_empty()) {
        fence.line("- ", &part.about);
    }
}

/// Adds what is still open, with ids, as far as it may concern what is new.
pub(super) fn open(
    fence: &mut Fence,
    todo: &[ActionItem],
    asked: &[Finding],
    parts: &[Part],
    lines: &[SummaryMessage],
) -> Vec<Shown> {
    let news = parts.iter().map(|part| part.about.as_str()).chain(lines.iter().map(|line| &*line.content));
    let chosen = chosen(todo, asked, news);
    if !chosen.is_empty() {
        fence.heading("Open:");
    }
    for item in &chosen {
        fence.line(&format!("{} ", item.id), &item.text);
    }
    chosen
}

pub(super) fn read(gists: &[Gist]) -> Result<Vec<Part>, SummarizerError> {
    gists.iter().map(Part::read).collect()
}

/// Everything that parts say is ground for what is made from them.
pub(super) fn ground(ground: &mut Ground, parts: &[Part]) {
    for part in parts {
        ground.text(&part.about);
        for item in &part.todo {
            ground.text(&shown(item));
        }
        for finding in part.decided.iter().chain(&part.asked) {
            ground.text(&finding.text);
        }
        for keyword in &part.keywords {
            ground.text(keyword);
        }
    }
}

#[async_trait]
impl Summarizer for ModelSummarizer {
    fn engine(&self) -> CompactString {
        self.engine.clone()
    }

    fn maker(&self) -> CompactString {
        self.maker.clone()
    }

    fn segment(&self) -> SegmentSize {
        SEGMENT
    }

    async fn gist(&self, run: &SummaryRun, segment: &[SummaryMessage]) -> Result<Gisted, SummarizerError> {
        let mut usage = Usage::default();
        let mut fence = self.fence(run);
        let mark = fence.mark().to_owned();
        chat(&mut fence, segment, 0);
        let (answer, role) = self.ask(run, Prompt::Gist, fence, None, &mut usage).await?;
        let mut ground = Ground::default();
        ground.messages(segment);
        let checked = self.checked(run, &answer, Checks::new(segment, ground, &role, mark), &mut usage).await?;
        let Checked { part, dropped, .. } = checked;
        Ok(Gisted { gist: part.gist()?, usage, dropped })
    }

    async fn merge(&self, run: &SummaryRun, gists: &[Gist]) -> Result<Gisted, SummarizerError> {
        let parts = read(gists)?;
        let mut usage = Usage::default();
        let mut fence = self.fence(run);
        let mark = fence.mark().to_owned();
        notes(&mut fence, &parts);
        let (answer, role) = self.ask(run, Prompt::Merge, fence, None, &mut usage).await?;
        let mut founded = Ground::default();
        ground(&mut founded, &parts);
        let checked = self.checked(run, &answer, Checks::new(&[], founded, &role, mark), &mut usage).await?;
        let mut dropped = checked.dropped;
        let part = Part { about: checked.part.about, ..Part::side_by_side(&parts, &mut dropped) };
        Ok(Gisted { gist: part.gist()?, usage, dropped })
    }

    fn join(&self, parts: &[Gist]) -> Option<Gist> {
        let parts = read(parts).ok()?;
        let mut dropped = Vec::new();
        let part = Part::side_by_side(&parts, &mut dropped);
        let fits = part.about.len() <= ABOUT && dropped.is_empty();
        if fits { part.gist().ok() } else { None }
    }

    fn writes_on(&self, run: &SummaryRun, material: &Material<'_>) -> bool {
        material.news.is_some_and(|news| is_enough(run, material, &news))
    }

    async fn fold(&self, run: &SummaryRun, material: &Material<'_>) -> Result<Folded, SummarizerError> {
        let news = material.news.filter(|news| is_enough(run, material, news));
        match news {
            Some(news) => self.update(run, &news, material.rest, material.tail).await,
            None => self.whole(run, material).await,
        }
    }
}

impl ModelSummarizer {
    async fn whole(&self, run: &SummaryRun, material: &Material<'_>) -> Result<Folded, SummarizerError> {
        let parts = read(material.gists)?;
        let mut dropped: Vec<Dropped> = Vec::new();
        let mut earlier = Part::side_by_side(&parts, &mut dropped);
        let mut usage = Usage::default();
        let mut fence = self.fence(run);
        let mark = fence.mark().to_owned();
        notes(&mut fence, &parts);
        let shown = open(&mut fence, &earlier.todo, &earlier.asked, &parts, material.tail);
        chat(&mut fence, material.tail, 0);
        let mut partials = Partials::new(Arc::clone(&self.bus), run.key.clone(), fence.veil().clone());
        let (answer, role) = self.ask(run, Prompt::Fold, fence, Some(&mut partials), &mut usage).await?;
        let mut founded = Ground::default();
        founded.messages(material.tail);
        ground(&mut founded, &parts);
        let checked = self.checked(run, &answer, Checks::new(material.tail, founded, &role, mark), &mut usage).await?;
        dropped.extend(checked.dropped);
        let notes = if material.tail.is_empty() { None } else { Some(checked.part.gist()?) };
        close(&answer.closed, &shown, &mut earlier.todo, &mut earlier.asked);
        let content = content(&mut earlier, checked.part, checked.brief, checked.detailed, &mut dropped)?;
        Ok(Folded { content, usage, dropped, rest: None, notes, whole: true })
    }
}
