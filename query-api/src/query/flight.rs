//! Equal requests for a summary share one ask.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use shared::ports::{BusError, EventBus, SummarizeAsk, SummarizeReply};

type Answer = Result<SummarizeReply, BusError>;
type Flight = Shared<BoxFuture<'static, Answer>>;
type WeakFlight = WeakShared<BoxFuture<'static, Answer>>;

/// The asks that are under way. An ask lives as long as one request waits for it.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<SummarizeAsk, WeakFlight>>);

impl Flights {
    /// Asks, or joins an equal ask that is under way (and its deadline).
    pub async fn ask(&self, bus: &Arc<dyn EventBus>, ask: SummarizeAsk, deadline: Duration) -> Answer {
        let flight = self.join(bus, &ask, deadline);
        let answer = flight.clone().await;
        self.land(&ask, &flight);
        answer
    }

    fn join(&self, bus: &Arc<dyn EventBus>, ask: &SummarizeAsk, deadline: Duration) -> Flight {
        let mut flights = self.0.lock();
        if let Some(flight) = flights.get(ask).and_then(WeakFlight::upgrade)
            && flight.peek().is_none()
        {
            return flight;
        }
        // Asks whose requests all hung up leave an empty entry behind.
        flights.retain(|_, flight| flight.upgrade().is_some());
        let (bus, own) = (Arc::clone(bus), ask.clone());
        let flight = async move { bus.ask(own, deadline).await }.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(ask.clone(), weak);
        }
        flight
    }

    fn land(&self, ask: &SummarizeAsk, landed: &Flight) {
        let mut flights = self.0.lock();
        let same = flights.get(ask).and_then(WeakFlight::upgrade).is_some_and(|flight| flight.ptr_eq(landed));
        if same {
            flights.remove(ask);
        }
    }
}
