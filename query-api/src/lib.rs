//! query and push: serves history, summaries and live updates.
