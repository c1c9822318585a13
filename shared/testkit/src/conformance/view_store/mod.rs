//! The laws of [`shared::ports::ViewStore`].

pub mod commit;
pub mod find;
pub mod retract;
pub mod spend;
pub mod steps;
pub mod summaries;
pub mod tenants;
pub mod work;

/// All cases against one backend.
#[macro_export]
macro_rules! view_store_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, view_store:
            commit::a_view_comes_back_as_it_was,
            commit::a_step_is_applied_only_where_it_was_made_from,
            commit::a_stale_step_changes_nothing_and_stops_no_other,
            commit::of_many_workers_one_moves_a_view,
            commit::participations_are_counted_once_however_steps_are_cut,
            commit::all_messages_of_a_tenant_are_counted,
            commit::a_replaced_view_keeps_its_summaries,
            find::a_list_is_newest_first_and_filtered,
            find::history_holds_what_overlaps_the_range,
            find::history_of_an_unknown_user_is_empty,
            find::the_conversations_of_a_user_go_by_name,
            find::uncovered_conversations_go_by_key,
            find::idle_conversations_go_by_time,
            summaries::versions_follow_each_other,
            summaries::of_many_workers_one_saves_a_version,
            summaries::versions_are_paged_newest_first,
            summaries::gists_are_kept_by_content_and_maker,
            retract::what_was_made_from_a_message_is_taken_back,
            retract::nothing_of_an_earlier_epoch_is_kept,
            retract::a_whole_step_takes_the_place_of_all_participations,
            retract::a_conversation_without_messages_needs_no_summary,
            summaries::nothing_is_kept_for_a_conversation_without_a_view,
            spend::a_reservation_is_refused_where_the_cap_would_be_passed,
            spend::a_settlement_takes_the_place_of_its_reservation,
            spend::tenants_and_days_have_books_of_their_own,
            spend::of_many_workers_none_passes_the_cap,
            spend::degraded_summaries_are_found_newest_message_first,
            tenants::equal_names_in_two_tenants_never_meet,
            work::a_lease_has_one_owner_until_its_time_is_over,
            work::of_many_workers_one_takes_a_lease,
            work::failures_are_counted_in_a_row,
            work::checkpoints_are_kept_by_reader,
            work::nothing_is_left_of_an_erased_conversation,
        }
    };
}
