//! Pure text analysis: sentiment, keywords, action items, summaries.
