//! One server as the rest of the store sees it: requests with a bound on their time, and errors in our words.

use std::time::Duration;

use bytes::Bytes;
use clickhouse::{Client, Compression};

use super::{ClickHouseError, Place};

/// What goes beside a question.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask<'a> {
    /// Settings of the server for this question.
    pub(crate) settings: &'a [(&'static str, String)],
    /// Values of its parameters.
    pub(crate) params: &'a [(String, String)],
}

/// A connection pool to one database, as one user.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) place: Place,
    client: Client,
    timeout: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.place).finish()
    }
}

impl Server {
    pub(crate) fn new(place: &Place, timeout: Duration) -> Self {
        let client = Client::default()
            .with_url(&place.url)
            .with_database(&place.database)
            .with_user(&place.user)
            .with_product_info("overgrant", env!("CARGO_PKG_VERSION"))
            // LZ4 costs less than the network it saves, and both ends have it.
            .with_compression(Compression::Lz4);
        let client = match &place.password {
            Some(password) => client.with_password(password),
            None => client,
        };
        Self { place: place.clone(), client, timeout }
    }

    /// Runs a statement without an answer.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), ClickHouseError> {
        let done = tokio::time::timeout(self.timeout, self.client.query_raw(sql).execute()).await;
        self.said(done)
    }

    /// Asks for bytes in a format, at most `max_bytes` of them; `None` when there would be more.
    pub(crate) async fn fetch(
        &self,
        sql: &str,
        format: &str,
        ask: Ask<'_>,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, ClickHouseError> {
        let mut query = self.client.query_raw(sql);
        for (name, value) in ask.settings {
            query = query.with_setting(*name, value);
        }
        for (name, value) in ask.params {
            query = query.param(name, value);
        }
        let read = async {
            let mut cursor = query.fetch_bytes(format)?;
            let mut bytes = Vec::new();
            while let Some(chunk) = cursor.next().await? {
                if bytes.len() + chunk.len() > max_bytes {
                    return Ok(None);
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(Some(bytes))
        };
        let done = tokio::time::timeout(self.timeout, read).await;
        self.said(done)
    }

    /// The lines of a small answer, one column each, tab-separated.
    pub(crate) async fn lines(&self, sql: &str) -> Result<Vec<Vec<String>>, ClickHouseError> {
        const MAX_BYTES: usize = 16 << 20;
        let bytes = self.fetch(sql, "JSONCompactEachRow", Ask::default(), MAX_BYTES).await?.unwrap_or_default();
        let failed =
            |error: serde_json::Error| ClickHouseError::Ours(format!("an answer of ClickHouse is no JSON: {error}"));
        let rows = serde_json::Deserializer::from_slice(&bytes).into_iter::<Vec<serde_json::Value>>();
        rows.map(|row| {
            let text = |value: serde_json::Value| match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            Ok(row.map_err(failed)?.into_iter().map(text).collect())
        })
        .collect()
    }

    /// Inserts bytes that are in a format already.
    pub(crate) async fn insert(&self, sql: &str, token: &str, bytes: Bytes) -> Result<(), ClickHouseError> {
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            // Since 26 it is on by default, acknowledges early and ignores tokens.
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", token);
        let send = async {
            insert.send(bytes).await?;
            insert.end().await
        };
        let done = tokio::time::timeout(self.timeout, send).await;
        self.said(done)
    }

    fn said<T>(
        &self,
        done: Result<Result<T, clickhouse::error::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, ClickHouseError> {
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(ClickHouseError::of(&self.place, &error)),
            Err(_) => Err(ClickHouseError::Slow { place: self.place.to_string(), seconds: self.timeout.as_secs() }),
        }
    }
}
