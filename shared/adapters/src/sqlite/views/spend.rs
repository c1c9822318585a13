//! The books of models: what a tenant has spent in a day. Law: one row for each, changed in one statement.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{Spend, SpendCap, TenantId, UtcDay};

use super::rows::{number, stored};

/// Adds a hold, if the sum stays within the cap.
pub(super) fn reserve(
    connection: &Connection,
    tenant: &TenantId,
    day: UtcDay,
    hold: Spend,
    cap: &SpendCap,
) -> rusqlite::Result<bool> {
    if !cap.holds(hold) {
        return Ok(false);
    }
    let changed = connection
        .prepare_cached(
            "INSERT INTO spend (tenant, day, tokens, micros) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, day) DO UPDATE SET tokens = tokens + excluded.tokens, micros = micros + excluded.micros
             WHERE (?5 IS NULL OR tokens + excluded.tokens <= ?5) AND (?6 IS NULL OR micros + excluded.micros <= ?6)",
        )?
        .execute(params![
            tenant.as_str(),
            day.0,
            stored(hold.tokens),
            stored(hold.micros),
            cap.tokens.map(stored),
            cap.micros.map(stored)
        ])?;
    Ok(changed > 0)
}

/// Puts what was spent in place of what was held.
pub(super) fn settle(
    connection: &Connection,
    tenant: &TenantId,
    day: UtcDay,
    held: Spend,
    spent: Spend,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO spend (tenant, day, tokens, micros) VALUES (?1, ?2, max(0, ?3 - ?5), max(0, ?4 - ?6))
             ON CONFLICT (tenant, day) DO UPDATE SET tokens = max(0, tokens + ?3 - ?5), micros = max(0, micros + ?4 - ?6)",
        )?
        .execute(params![
            tenant.as_str(),
            day.0,
            stored(spent.tokens),
            stored(spent.micros),
            stored(held.tokens),
            stored(held.micros)
        ])?;
    Ok(())
}

/// What is spent and held.
pub(super) fn spent(connection: &Connection, tenant: &TenantId, day: UtcDay) -> rusqlite::Result<Spend> {
    let found = connection
        .prepare_cached("SELECT tokens, micros FROM spend WHERE tenant = ?1 AND day = ?2")?
        .query_row((tenant.as_str(), day.0), |row| Ok(Spend { tokens: number(row, 0)?, micros: number(row, 1)? }))
        .optional()?;
    Ok(found.unwrap_or_default())
}
