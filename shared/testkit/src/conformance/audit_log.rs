//! The laws of [`shared::ports::AuditLog`].

/// All cases against one backend.
#[macro_export]
macro_rules! audit_log_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, audit_log:
            cases::entries_come_back_in_their_order,
            cases::entries_go_on_behind_a_mark,
            cases::many_record_at_once,
        }
    };
}

pub mod cases {
    use std::sync::Arc;

    use shared::domain::{ActId, Actor, AuditEntry, ConversationId, Deed, Outcome, Seq, TenantId, UserDigest};
    use shared::ports::{AuditLog, AuditMark};
    use tokio::task::JoinSet;

    use crate::conformance::build::{at, tenant, user};

    type Log = Arc<dyn AuditLog>;

    fn entry(tenant: &TenantId, number: u8) -> AuditEntry {
        let conversation_id = ConversationId::parse("c \" é").unwrap();
        let user = UserDigest::of(tenant, &user("anna"));
        let deed = match number % 7 {
            0 => Deed::EraseConversation { conversation_id },
            1 => Deed::EditMessage { conversation_id, seq: Seq(u64::from(number)) },
            2 => Deed::EraseMessage { conversation_id, seq: Seq(u64::MAX >> 1) },
            3 => Deed::EraseUser { user },
            4 => Deed::ExportUser { user },
            5 => Deed::CreateKey { prefix: "rk_1".into() },
            _ => Deed::RevokeKey { prefix: "rk_1".into() },
        };
        let actor = match number % 3 {
            0 => Actor::Key { key: "rk_12345678".into() },
            1 => Actor::Anonymous,
            _ => Actor::Operator,
        };
        let act = ActId::from_random([number; 16]);
        AuditEntry { act, at: at(i64::from(number)), tenant: tenant.clone(), actor, deed, outcome: Outcome::Asked }
    }

    async fn all(log: &Log, tenant: &TenantId, limit: usize) -> Vec<AuditEntry> {
        let (mut found, mut mark) = (Vec::new(), AuditMark::default());
        loop {
            let page = log.entries(&mark, limit).await.unwrap();
            assert!(page.entries.len() <= limit);
            found.extend(page.entries.into_iter().filter(|entry| entry.tenant == *tenant));
            if !page.more {
                return found;
            }
            mark = page.mark;
        }
    }

    pub async fn entries_come_back_in_their_order(log: Log) {
        let tenant = tenant();
        let mut recorded = Vec::new();
        // Whatever their times say.
        for number in (0..14).rev() {
            let asked = entry(&tenant, number);
            recorded.push(asked.then(at(99), Outcome::Done));
            recorded.insert(recorded.len() - 1, asked);
        }
        for entry in &recorded {
            log.record(entry).await.unwrap();
        }
        assert_eq!(all(&log, &tenant, 1_000).await, recorded);
        assert_eq!(all(&log, &tenant, 3).await, recorded);
    }

    pub async fn entries_go_on_behind_a_mark(log: Log) {
        let tenant = tenant();
        log.record(&entry(&tenant, 1)).await.unwrap();
        let mut mark = AuditMark::default();
        loop {
            let page = log.entries(&mark, 1_000).await.unwrap();
            mark = page.mark;
            if !page.more {
                break;
            }
        }
        let page = log.entries(&mark, 1_000).await.unwrap();
        assert!(page.mark == mark && !page.entries.iter().any(|entry| entry.tenant == tenant));
        log.record(&entry(&tenant, 2)).await.unwrap();
        let page = log.entries(&mark, 1_000).await.unwrap();
        let mine: Vec<_> = page.entries.into_iter().filter(|entry| entry.tenant == tenant).collect();
        assert_eq!(mine, [entry(&tenant, 2)]);
    }

    pub async fn many_record_at_once(log: Log) {
        let tenant = tenant();
        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let (log, entry) = (Arc::clone(&log), entry(&tenant, number));
            tasks.spawn(async move { log.record(&entry).await.unwrap() });
        }
        tasks.join_all().await;
        let mut found = all(&log, &tenant, 7).await;
        found.sort_by_key(|entry| entry.at);
        assert_eq!(found, (0..20).map(|number| entry(&tenant, number)).collect::<Vec<_>>());
    }
}
