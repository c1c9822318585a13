//! One line for each scenario of the testkit, through the gateway and one replica of each service.

use anyhow::Result;
use deploy::stack::{Plan, Stack};
use shared_testkit::scenarios::{append, bad_input, bad_socket, oracle, push, query, summarize, wire};

use crate::stack;

macro_rules! together {
    ($($scenario:expr),* $(,)?) => {
        tokio::try_join!($(async {
            let told: Result<()> = $scenario.await;
            told.map_err(|error| error.context(stringify!($scenario)))
        }),*)
    };
}

async fn sound(mut stack: Stack) -> Result<()> {
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn appends() -> Result<()> {
    let stack = stack!(Plan::default());
    let client = &stack.client;
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
    )?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn queries() -> Result<()> {
    let stack = stack!(Plan::default());
    let client = &stack.client;
    together!(
        query::shows_time_order(client),
        query::pages_and_cursors_have_ends(client),
        query::lists_a_users_conversations(client),
        query::lists_conversations(client),
        oracle::pages_equal_a_sort(client),
    )?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn summarizes() -> Result<()> {
    let stack = stack!(patient());
    let client = &stack.client;
    together!(
        summarize::summarizes_on_demand(client),
        summarize::equal_requests_share_one_run(client),
        summarize::summarizes_unasked(client),
        summarize::says_what_is_missing(client),
    )?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn summarizes_long_conversations() -> Result<()> {
    let stack = stack!(patient());
    summarize::covers_long_conversations(&stack.client).await?;
    sound(stack).await
}

/// A database that scans ranges takes its time over thousands of messages.
fn patient() -> Plan {
    Plan::default().with("SUMMARIZE_TIMEOUT", "55s")
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes() -> Result<()> {
    let stack = stack!(Plan::default());
    let (client, address) = (&stack.client, &stack.address());
    together!(
        push::hears_of_new_messages(client, address),
        push::resumes_from_a_version(client, address),
        push::ends_and_opens_again(client, address),
        push::only_what_exists_ends(client),
        push::erasing_tells_listeners(client, address),
    )?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bad_input() -> Result<()> {
    let stack = stack!(Plan::default());
    let (client, address) = (&stack.client, &stack.address());
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
    )?;
    for replica in stack.ingest.iter().chain(&stack.query) {
        let internal = replica.metric("recap_http_errors_total", &["code=\"internal\""]).await?;
        anyhow::ensure!(internal < 1.0, "{internal} internal errors");
    }
    sound(stack).await
}
