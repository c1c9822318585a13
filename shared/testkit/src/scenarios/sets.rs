//! Scenarios that run together, each failing by its own name. Law: what one process passes, many services pass too, so
//! both take their scenarios from here.

use anyhow::Result;

use super::{append, bad_input, bad_socket, change, oracle, push, query, summarize, wire};
use crate::client::Client;

macro_rules! together {
    ($($scenario:expr),* $(,)?) => {
        tokio::try_join!($(Box::pin(async {
            let told: Result<()> = $scenario.await;
            told.map_err(|error| error.context(stringify!($scenario)))
        })),*).map(drop)
    };
}

/// Posting, replaying, erasing.
pub async fn appends(client: &Client) -> Result<()> {
    together!(
        append::stores_the_reference_example(client),
        append::names_unnamed_conversations(client),
        append::replays_by_idempotency_key(client),
        append::races_of_equal_requests_store_once(client),
        append::message_ids_stand_once(client),
        append::all_or_nothing(client),
        append::a_message_may_name_its_own_user(client),
        append::erases_a_conversation(client),
        append::takes_any_id(client),
    )
}

/// Messages edited and erased.
pub async fn changes(client: &Client, address: &str) -> Result<()> {
    together!(
        change::edits_a_message(client),
        change::erases_a_message(client),
        change::erases_the_only_message(client),
        change::says_what_cannot_be_changed(client),
        change::tells_listeners(client, address),
    )
}

/// Pages, cursors, lists.
pub async fn queries(client: &Client) -> Result<()> {
    tokio::try_join!(Box::pin(lists(client)), Box::pin(oracle::pages_equal_a_sort(client))).map(drop)
}

/// The same, sparing a database that scans ranges.
pub async fn some_queries(client: &Client) -> Result<()> {
    tokio::try_join!(Box::pin(lists(client)), Box::pin(oracle::some_pages_equal_a_sort(client))).map(drop)
}

async fn lists(client: &Client) -> Result<()> {
    together!(
        query::shows_time_order(client),
        query::pages_and_cursors_have_ends(client),
        query::pages_around_a_message(client),
        query::lists_a_users_conversations(client),
        query::lists_conversations(client),
    )
}

/// Summaries asked for and not, of short conversations.
pub async fn summarizes(client: &Client) -> Result<()> {
    together!(
        summarize::summarizes_on_demand(client),
        summarize::equal_requests_share_one_run(client),
        summarize::summarizes_unasked(client),
        summarize::says_what_is_missing(client),
    )
}

/// Listening.
pub async fn pushes(client: &Client, address: &str) -> Result<()> {
    together!(
        push::hears_of_new_messages(client, address),
        push::resumes_from_a_version(client, address),
        push::ends_and_opens_again(client, address),
        push::only_what_exists_ends(client),
        push::erasing_tells_listeners(client, address),
    )
}

/// What is wrong gets its answer, on HTTP, on the socket and below both.
pub async fn refuses_bad_input(client: &Client, address: &str) -> Result<()> {
    together!(
        bad_input::every_fault_has_its_answer(client),
        bad_input::all_faults_at_once(client),
        bad_input::wrong_methods_types_and_sizes(client),
        bad_input::odd_text_is_kept(client),
        bad_socket::refuses_wrong_first_frames(address),
        bad_socket::does_not_wait_for_ever(address),
        bad_socket::refuses_oversized_frames(address),
        wire::survives_garbage(client, address),
        wire::cuts_slow_headers(address),
        wire::refuses_header_floods(address),
    )
}
