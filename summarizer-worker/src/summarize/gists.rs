//! Gists and cuts as they are kept: under digests, in the store, with the recent ones in memory.
//!
//! Law: what stands under a digest never changes, so a gist found is the gist that would be made. In memory it is found
//! only as long as nothing of the conversation was edited or erased.

use compact_str::CompactString;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::domain::{ConversationKey, Digest, Seq};
use shared::ports::{Gist, GistKey, Ports, Span, StoreError};

use super::segments::cut_digest;
use super::stored::StoredCut;

/// Memory for recent gists, in bytes of their JSON.
const MEMORY: u64 = 8 << 20;

/// The essence of a gapless run of messages, with what it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Peak {
    /// The digest of what it was made from.
    pub(crate) content: Digest,
    /// From the first to the last message that its maker was told of, in whatever words: once one of them is changed,
    /// the gist goes.
    pub(crate) told: Span,
    pub(crate) messages: u64,
    /// The conversation's chain where that run ends.
    pub(crate) chain: Digest,
    pub(crate) gist: Gist,
    /// Whether the store has it.
    pub(crate) stored: bool,
}

/// A gist in the store: the engine's note in an envelope that says what it covers.
#[derive(Serialize, Deserialize)]
struct Envelope {
    first: Seq,
    last: Seq,
    messages: u64,
    chain: Digest,
    gist: Box<RawValue>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<(u64, Digest, CompactString), Peak> for Bytes {
    fn weight(&self, _: &(u64, Digest, CompactString), peak: &Peak) -> u64 {
        peak.gist.0.len() as u64 + 256
    }
}

/// Where gists are looked up and kept.
pub(crate) struct Gists {
    ports: Ports,
    recent: Cache<(u64, Digest, CompactString), Peak, Bytes>,
}

impl Gists {
    pub(crate) fn new(ports: Ports) -> Self {
        Self { ports, recent: Cache::with_weighter(2_000, MEMORY, Bytes) }
    }

    /// A gist made before, by this maker, from this content.
    pub(crate) async fn find(
        &self,
        key: &ConversationKey,
        epoch: u64,
        maker: &CompactString,
        content: Digest,
    ) -> Result<Option<Peak>, StoreError> {
        if let Some(peak) = self.recent.get(&(epoch, content, maker.clone())) {
            return Ok(Some(peak));
        }
        let gist_key = GistKey { content, maker: maker.clone() };
        let Some(Gist(json)) = self.ports.views.gist(key, &gist_key).await? else { return Ok(None) };
        let envelope: Envelope = serde_json::from_str(&json).map_err(|e| StoreError::corrupt("a gist", e))?;
        let Envelope { first, last, messages, chain, gist } = envelope;
        let gist = Gist(gist.into());
        let told = Span { first, last };
        let peak = Peak { content, told, messages, chain, gist, stored: true };
        self.recent.insert((epoch, content, maker.clone()), peak.clone());
        Ok(Some(peak))
    }

    /// Keeps a gist durably.
    pub(crate) async fn save(
        &self,
        key: &ConversationKey,
        epoch: u64,
        maker: &CompactString,
        peak: &mut Peak,
    ) -> Result<(), StoreError> {
        if peak.stored {
            return Ok(());
        }
        let corrupt = |e| StoreError::corrupt("an engine's gist", e);
        let gist = RawValue::from_string(peak.gist.0.clone().into()).map_err(corrupt)?;
        let Peak { told, messages, chain, .. } = *peak;
        let Span { first, last } = told;
        let json = serde_json::to_string(&Envelope { first, last, messages, chain, gist }).map_err(corrupt)?;
        let gist_key = GistKey { content: peak.content, maker: maker.clone() };
        self.ports.views.save_gist(key, epoch, &gist_key, told, &Gist(json.into())).await?;
        peak.stored = true;
        self.recent.insert((epoch, peak.content, maker.clone()), peak.clone());
        Ok(())
    }

    /// The cut that led to the summary whose chain is `covered`.
    pub(crate) async fn cut(
        &self,
        key: &ConversationKey,
        maker: &CompactString,
        covered: &Digest,
    ) -> Result<Option<StoredCut>, StoreError> {
        let gist_key = GistKey { content: cut_digest(covered), maker: maker.clone() };
        let Some(Gist(json)) = self.ports.views.gist(key, &gist_key).await? else { return Ok(None) };
        serde_json::from_str(&json).map(Some).map_err(|e| StoreError::corrupt("a cut", e))
    }

    /// Keeps a cut for the version that comes after the one that is made now.
    pub(crate) async fn save_cut(
        &self,
        key: &ConversationKey,
        epoch: u64,
        maker: &CompactString,
        covered: &Digest,
        (span, cut): (Span, &StoredCut),
    ) -> Result<(), StoreError> {
        let gist_key = GistKey { content: cut_digest(covered), maker: maker.clone() };
        let json = serde_json::to_string(cut).map_err(|e| StoreError::corrupt("a cut", e))?;
        self.ports.views.save_gist(key, epoch, &gist_key, span, &Gist(json.into())).await
    }
}
