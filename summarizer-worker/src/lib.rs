//! project and summarize: builds the read models.
