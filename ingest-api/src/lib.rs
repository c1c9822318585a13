//! append and publish: takes messages in and makes them durable.
