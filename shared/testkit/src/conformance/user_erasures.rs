//! The laws of [`shared::ports::UserErasures`].

/// All cases against one backend.
#[macro_export]
macro_rules! user_erasures_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, user_erasures:
            cases::an_erasure_runs_until_it_is_finished,
            cases::a_demand_joins_the_erasure_under_way,
            cases::an_erasure_is_saved_only_where_nothing_changed_since,
            cases::demands_that_wait_are_bounded,
            cases::many_demands_at_once_make_one_erasure,
            cases::equal_names_in_two_tenants_never_meet,
        }
    };
}

pub mod cases {
    use std::sync::Arc;

    use shared::domain::{ActId, Actor, ConversationId, Seq, TenantId, UserId};
    use shared::ports::{CasOutcome, Demand, ErasureState, MOST_DEMANDS, UserErasure, UserErasures, WrittenMark};
    use tokio::task::JoinSet;

    use crate::conformance::build::{at, tenant, user};

    type Store = Arc<dyn UserErasures>;

    fn demand(millis: i64) -> Demand {
        let act = ActId::from_random([millis.to_be_bytes()[7]; 16]);
        Demand { act, actor: Actor::Key { key: "rk_12345678".into() }, at: at(millis) }
    }

    async fn running(store: &Store, tenant: &TenantId) -> Vec<UserErasure> {
        let mut found = store.running(10_000).await.unwrap();
        found.retain(|erasure| erasure.tenant == *tenant);
        found
    }

    async fn one(store: &Store, tenant: &TenantId) -> UserErasure {
        let mut found = running(store, tenant).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn asked(asked: i64, finished: Option<i64>) -> ErasureState {
        ErasureState { asked_at: at(asked), finished_at: finished.map(at) }
    }

    pub async fn an_erasure_runs_until_it_is_finished(store: Store) {
        let (tenant, anna): (TenantId, UserId) = (tenant(), user("anna \" é"));
        assert_eq!(store.state(&tenant, &anna).await.unwrap(), None);
        assert!(store.demand(&tenant, &anna, &demand(5)).await.unwrap());
        let erasure = one(&store, &tenant).await;
        assert_eq!(
            erasure,
            UserErasure { turn: erasure.turn, ..UserErasure::new(tenant.clone(), anna.clone(), demand(5)) }
        );
        assert_eq!(store.state(&tenant, &anna).await.unwrap(), Some(asked(5, None)));
        assert_eq!(store.finish(&erasure, at(9)).await.unwrap(), CasOutcome::Applied);
        assert_eq!(running(&store, &tenant).await, []);
        assert_eq!(store.state(&tenant, &anna).await.unwrap(), Some(asked(5, Some(9))));
        assert_eq!(store.finish(&erasure, at(10)).await.unwrap(), CasOutcome::Stale);
        assert_eq!(store.save(&erasure).await.unwrap(), CasOutcome::Stale, "it is over");
        assert!(store.demand(&tenant, &anna, &demand(20)).await.unwrap());
        let again = one(&store, &tenant).await;
        assert_eq!((again.demands, again.until), (vec![demand(20)], at(20)), "a new one");
        assert_eq!(store.state(&tenant, &anna).await.unwrap(), Some(asked(20, None)));
        assert_eq!(store.save(&erasure).await.unwrap(), CasOutcome::Stale, "that was another one");
    }

    pub async fn a_demand_joins_the_erasure_under_way(store: Store) {
        let (tenant, anna) = (tenant(), user("anna"));
        store.demand(&tenant, &anna, &demand(5)).await.unwrap();
        let mut erasure = one(&store, &tenant).await;
        erasure.mark = WrittenMark("77".into());
        assert_eq!(store.save(&erasure).await.unwrap(), CasOutcome::Applied);
        store.demand(&tenant, &anna, &demand(7)).await.unwrap();
        let mut joined = one(&store, &tenant).await;
        assert_eq!((joined.demands.clone(), joined.until, &*joined.mark.0), (vec![demand(5), demand(7)], at(5), "77"));
        assert_eq!(store.state(&tenant, &anna).await.unwrap(), Some(asked(7, None)));
        assert_eq!(store.finish(&UserErasure { turn: 1, ..erasure }, at(9)).await.unwrap(), CasOutcome::Stale);
        assert!(joined.begin_again());
        assert_eq!((joined.until, &*joined.mark.0), (at(7), ""));
        assert!(!joined.begin_again(), "nothing was demanded since");
        assert_eq!(store.save(&joined).await.unwrap(), CasOutcome::Applied);
    }

    pub async fn an_erasure_is_saved_only_where_nothing_changed_since(store: Store) {
        let (tenant, anna) = (tenant(), user("anna"));
        store.demand(&tenant, &anna, &demand(5)).await.unwrap();
        let (mine, theirs) = (one(&store, &tenant).await, one(&store, &tenant).await);
        let step = vec![(ConversationId::parse("c").unwrap(), vec![Seq(1), Seq(9)])];
        let mine = UserErasure { step: step.clone(), mark: WrittenMark("9".into()), ..mine };
        assert_eq!(store.save(&mine).await.unwrap(), CasOutcome::Applied);
        assert_eq!(store.save(&theirs).await.unwrap(), CasOutcome::Stale);
        let kept = one(&store, &tenant).await;
        assert_eq!(kept, UserErasure { turn: mine.turn + 1, ..mine });
    }

    pub async fn demands_that_wait_are_bounded(store: Store) {
        let (tenant, anna) = (tenant(), user("anna"));
        for millis in 0..MOST_DEMANDS {
            assert!(store.demand(&tenant, &anna, &demand(i64::try_from(millis).unwrap())).await.unwrap());
        }
        assert!(!store.demand(&tenant, &anna, &demand(1_000)).await.unwrap());
        assert_eq!(one(&store, &tenant).await.demands.len(), MOST_DEMANDS);
        assert!(store.demand(&tenant, &user("ben"), &demand(1_000)).await.unwrap(), "another user");
    }

    pub async fn many_demands_at_once_make_one_erasure(store: Store) {
        let (tenant, anna) = (tenant(), user("anna"));
        let mut tasks = JoinSet::new();
        for millis in 0..8 {
            let (store, tenant, anna) = (Arc::clone(&store), tenant.clone(), anna.clone());
            tasks.spawn(async move { store.demand(&tenant, &anna, &demand(millis)).await.unwrap() });
        }
        assert!(tasks.join_all().await.into_iter().all(|joined| joined));
        let mut times: Vec<_> = one(&store, &tenant).await.demands.iter().map(|demand| demand.at).collect();
        times.sort();
        assert_eq!(times, (0..8).map(at).collect::<Vec<_>>());
    }

    pub async fn equal_names_in_two_tenants_never_meet(store: Store) {
        let (one, other, anna) = (tenant(), tenant(), user("anna"));
        store.demand(&one, &anna, &demand(5)).await.unwrap();
        assert_eq!(store.state(&other, &anna).await.unwrap(), None);
        store.demand(&other, &anna, &demand(6)).await.unwrap();
        let theirs = running(&store, &other).await.remove(0);
        store.finish(&theirs, at(9)).await.unwrap();
        assert_eq!(store.state(&one, &anna).await.unwrap(), Some(asked(5, None)));
    }
}
