//! (m) A thousand clients that take for ever, and what normal ones notice of them.
//!
//! Law: the slow and the normal share the generator's thread and the server's machine; before and meanwhile differ by the
//! slow ones alone.

use anyhow::Result;
use shared_testkit::scenarios::slow::{self, Told};

use super::Findings;
use crate::load::median;
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

const SLOW: usize = 1000;
/// Posts and reads of each normal client before; twice as many meanwhile, which ends before the slow are sent away.
const REQUESTS: usize = 500;

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let (mut before, mut meanwhile) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds() {
        let recap = bench.recap(&slow::SETTINGS).await?;
        let rounds = if bench.options.quick { REQUESTS / 50 } else { REQUESTS };
        let told: Told =
            slow::slow_clients_disturb_nobody(&recap.client, recap.address(), recap.pid()?, SLOW, rounds).await?;
        findings.note(format!("(m) {told}"));
        before.push(told.p99[0].as_secs_f64() * 1000.0);
        meanwhile.push(told.p99[1].as_secs_f64() * 1000.0);
        findings.peak("slow clients", &recap)?;
        recap.stop().await?;
    }
    let (before, meanwhile) = (median(&before), median(&meanwhile));
    let what = format!("requests beside {SLOW} slow clients, p99 to that before");
    findings.row(Row::at_most('m', what, Figure(meanwhile / before, Unit::Ratio), 2.0));
    findings.row(Row::plain('m', "the same, p99", Figure(meanwhile, Unit::Millis)));
    Ok(())
}
