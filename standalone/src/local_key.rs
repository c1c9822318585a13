//! The key of the machine's own dashboard: made at the first start on this machine only, shown once as a link.

use std::sync::Arc;

use anyhow::Context;
use shared::domain::{Deed, Outcome, Scope, TenantId};
use shared::ports::Ports;
use shared_service::Server;

use crate::keys::{CreateKey, Recorded, mint};

/// Makes the first key of a store that is served to this machine only, and gives the link that opens the dashboard
/// with it. The key rides in the fragment, which browsers do not send.
pub(crate) async fn first_link(ports: &Ports, server: &Server) -> anyhow::Result<Option<String>> {
    let address = server.local_addr();
    if !address.ip().is_loopback() {
        return Ok(None);
    }
    if !ports.keys.list().await.context("cannot read the keys")?.is_empty() {
        return Ok(None);
    }
    let create = CreateKey {
        tenant: TenantId::public(),
        scopes: vec![Scope::Write, Scope::Read, Scope::Admin],
        rate: Some(0),
        expires: None,
        json: false,
    };
    let (text, key) = mint(&create, ports.ids.as_ref(), ports.clock.now());
    let recorded = Recorded { audit: Arc::clone(&ports.audit), now: key.created_at };
    let deed = Deed::CreateKey { prefix: key.prefix.clone() };
    let created = recorded.act(&key.tenant, deed, ports.keys.create(&key), |()| Outcome::Done).await;
    created.context("cannot store the local key")?;
    let (scheme, port) = (server.scheme(), address.port());
    Ok(Some(format!("{scheme}://localhost:{port}/#key={text}")))
}
