//! A number that the server adds up, so that the documents stay there.

use futures_util::TryStreamExt as _;
use mongodb::bson::Document;
use mongodb::options::{AggregateOptions, ReadConcern};

use super::Db;
use crate::mongo::failure::Failure;

impl Db {
    /// The number that a pipeline of one document gives, as the majority knows it; 0 where it gives none.
    pub(in crate::mongo) async fn sum(
        &self,
        op: &'static str,
        collection: &'static str,
        pipeline: Vec<Document>,
        field: &'static str,
    ) -> Result<u64, Failure> {
        let collection = self.database.collection::<Document>(collection);
        let options = AggregateOptions::builder().max_time(self.limit).read_concern(ReadConcern::majority()).build();
        let summing = async move {
            let mut found = collection.aggregate(pipeline).with_options(options).await?;
            let Some(document) = found.try_next().await? else { return Ok(0) };
            let number = document.get_i64(field).or_else(|_| document.get_i32(field).map(i64::from));
            Ok(number.ok().and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
        };
        self.call(op, summing).await
    }
}
