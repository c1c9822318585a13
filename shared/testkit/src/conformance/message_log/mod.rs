//! The laws of [`shared::ports::MessageLog`].

pub mod append;
pub mod change;
pub mod erase;
pub mod order;
pub mod race;
pub mod read;
pub mod repost;
pub mod written;

/// All cases against one backend. `sparing`: fewer drawn ones, for a backend that each call takes long of.
#[macro_export]
macro_rules! message_log_suite {
    ($open:path) => {
        $crate::message_log_suite! { @fixed $open }
        $crate::conformance_cases! { $open, message_log: order::pages_and_cursors_agree_with_sorting, }
    };
    ($open:path, sparing) => {
        $crate::message_log_suite! { @fixed $open }
        $crate::conformance_cases! { $open, message_log: order::some_pages_and_cursors_agree_with_sorting, }
    };
    (@fixed $open:path) => {
        $crate::conformance_cases! { $open, message_log:
            append::seqs_are_dense_and_what_was_acknowledged_is_read,
            append::a_refused_batch_leaves_the_others_of_the_call_alone,
            append::several_batches_of_one_conversation_follow_each_other,
            append::calls_under_way_keep_their_order,
            append::an_open_condition_ends_a_conversation_once,
            append::a_head_condition_holds_only_while_nothing_was_appended,
            append::a_head_tells_messages_and_end,
            append::every_text_comes_back_as_it_was,
            append::tenants_do_not_meet,
            append::a_batch_without_entries_makes_no_conversation,
            change::an_edit_takes_the_place_of_what_was_said,
            change::an_erased_message_leaves_a_trace_and_nothing_else,
            change::only_messages_can_be_changed,
            change::the_chain_holds_whatever_is_changed,
            change::what_was_changed_is_not_posted_again,
            change::a_change_opens_nothing,
            change::many_changes_at_once_leave_one_erased_message,
            change::pages_pass_over_what_was_erased,
            change::nothing_is_left_of_a_changed_conversation_that_was_erased,
            repost::a_message_id_stands_once,
            repost::a_repost_is_compared_by_all_that_the_client_gave,
            repost::a_taken_message_id_refuses_the_whole_batch,
            repost::a_message_id_may_stand_twice_in_one_batch,
            repost::message_ids_of_other_conversations_do_not_matter,
            repost::an_idempotency_key_replays_its_outcome,
            repost::an_idempotency_key_stands_for_one_body_in_its_tenant,
            repost::a_replay_names_the_first_conversation,
            repost::a_refused_batch_does_not_use_up_its_idempotency_key,
            race::many_callers_append_to_one_conversation,
            race::one_message_id_posted_by_many_stands_once,
            race::one_idempotency_key_used_by_many_stores_once,
            race::one_of_many_ends_a_conversation,
            order::late_is_told_from_newest_so_far,
            order::a_long_run_of_late_messages_is_paged_through,
            read::reading_begins_anywhere_and_stops_at_the_limit,
            read::single_records_are_found_by_place,
            read::nothing_is_found_of_an_unknown_conversation,
            read::arrivals_go_on_behind_a_mark,
            read::all_conversations_are_listed_once,
            erase::an_erased_conversation_is_found_nowhere,
            erase::an_erased_conversation_begins_anew,
            erase::an_erasure_is_remembered_until_its_views_are_gone,
            erase::a_long_conversation_is_erased_beside_others,
            erase::arrivals_after_an_erasure_are_not_missed,
            erase::a_replay_after_an_erasure_stores_nothing,
            written::all_that_a_user_wrote_is_found,
            written::what_came_later_is_left_out,
            written::what_is_edited_is_found_and_what_is_erased_is_not,
        }
    };
}
