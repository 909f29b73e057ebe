//! Opens whichever store the command line or the config names.

use std::path::Path;

use sinks::Store;
use sinks::clickhouse::{Place, ValidConfig};

use crate::Mistake;
use crate::args::WhereArgs;
use crate::config::Config;

/// The variable of the password for addresses that come from the command line.
const PASSWORD: &str = "OVERGRANT_CLICKHOUSE_PASSWORD";
/// Where a store is when nobody says.
const FOLDER: &str = "overgrant-store";

/// Opens the store.
pub(super) async fn open(args: &WhereArgs) -> anyhow::Result<Store> {
    let (config, place) = place(args.store.as_deref(), args.config.as_deref())?;
    match place {
        Some(place) => clickhouse(&config, &place).await,
        None => Ok(Store::open(args.store.as_deref().unwrap_or(Path::new(FOLDER))).await?),
    }
}

/// The settings of ClickHouse and where it is, with its password; no place when the store is a folder.
pub(super) fn place(given: Option<&Path>, config: Option<&Path>) -> anyhow::Result<(ValidConfig, Option<Place>)> {
    let config = Config::load(config)?.sinks.clickhouse().clone();
    let given_place = given.and_then(|given| Place::parse(given.to_str()?));
    let given_place = given_place.transpose().map_err(|error| Mistake(error.to_string()))?;
    let place = match given_place {
        Some(place) => Some(place),
        None if given.is_some() => None,
        None => config.place().cloned(),
    };
    let password = password(&config);
    Ok((config, place.map(|place| place.with_password(password))))
}

/// The password of ClickHouse: from the variable that the config names, else from the common one.
#[expect(clippy::disallowed_methods, reason = "secrets come from the environment, and this is the edge")]
pub(crate) fn password(config: &ValidConfig) -> Option<String> {
    std::env::var(config.password_env().unwrap_or(PASSWORD)).ok()
}

#[cfg(feature = "clickhouse")]
async fn clickhouse(config: &ValidConfig, place: &Place) -> anyhow::Result<Store> {
    Ok(Store::clickhouse(config, place, sinks::ReadOptions::default()).await?)
}

#[cfg(not(feature = "clickhouse"))]
async fn clickhouse(_: &ValidConfig, place: &Place) -> anyhow::Result<Store> {
    Err(unknown(place).into())
}

/// What a build without ClickHouse says.
#[cfg(not(feature = "clickhouse"))]
pub(super) fn unknown(place: &Place) -> Mistake {
    Mistake(format!("this build does not know ClickHouse, which `{place}` is; build it with `--features clickhouse`"))
}
