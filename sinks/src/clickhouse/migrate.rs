//! Brings a database to what this release needs: migrations in order, each once, and the retention of the settings.

use std::collections::BTreeMap;

use schemas::Id128;
use schemas::clickhouse::{Column, MIGRATIONS, Migration, columns_of, layout, literal, ttl};

use super::client::Server;
use super::{ClickHouseError, Place, ValidConfig};

/// What `migrate` did with one migration or setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was there already.
    Known(String),
    /// It was applied now.
    Applied(String),
    /// The engine has no users, or ours may not make any; an administrator can run its statements.
    Skipped {
        /// The migration.
        name: String,
        /// The server's words.
        why: String,
    },
}

/// The table that remembers what was applied; it is made before everything else.
const REMEMBERED: &str = "CREATE TABLE IF NOT EXISTS overgrant_migration (\
     name String COMMENT 'The migration.', \
     checksum String COMMENT 'The hash of its text as it was applied.', \
     applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'When.') \
     ENGINE = ReplacingMergeTree(applied_at) ORDER BY name \
     COMMENT 'What `overgrant migrate` applied.'";

/// The server's codes that say that it manages no users: ACCESS_DENIED (embedded engines, and users without the right),
/// ACCESS_STORAGE_READONLY, ACCESS_STORAGE_FOR_INSERTION_NOT_FOUND, NOT_IMPLEMENTED, SUPPORT_IS_DISABLED.
const NO_USERS: &[u32] = &[497, 495, 514, 48, 344];

/// The server's code for a database that is not there, and for a table.
pub(crate) const UNKNOWN_DATABASE: u32 = 81;
const UNKNOWN_TABLE: u32 = 60;

fn checksum(migration: &Migration) -> String {
    Id128::of_parts(&[migration.sql.as_bytes()]).to_string()
}

/// The statements of a migration for one database.
pub fn statements(migration: &Migration, database: &str) -> Vec<String> {
    migration.statements().map(|sql| sql.replace("{database}", &format!("`{database}`"))).collect()
}

/// Applies every migration that the database lacks and sets the retention. Doing it twice changes nothing; what broke
/// off in the middle is done again, since every statement may run twice.
///
/// # Errors
/// When the server cannot be reached or refuses, or a migration was applied with other words.
pub async fn migrate(config: &ValidConfig, place: &Place) -> Result<Vec<Step>, ClickHouseError> {
    let server = Server::new(place, config.timeout);
    match server.execute(REMEMBERED).await {
        Err(ClickHouseError::Refused { code: UNKNOWN_DATABASE, .. }) => {
            create_database(config, place).await?;
            server.execute(REMEMBERED).await?;
        }
        done => done?,
    }
    let applied = applied(&server).await?;
    let mut steps = Vec::new();
    for migration in MIGRATIONS {
        steps.push(apply(&server, migration, &applied).await?);
    }
    steps.extend(keep(&server, config).await?);
    steps.extend(comment(&server).await?);
    Ok(steps)
}

/// Makes the database, from beside it.
async fn create_database(config: &ValidConfig, place: &Place) -> Result<(), ClickHouseError> {
    let beside = Place { database: "default".to_owned(), ..place.clone() };
    Server::new(&beside, config.timeout).execute(&format!("CREATE DATABASE IF NOT EXISTS `{}`", place.database)).await
}

async fn applied(server: &Server) -> Result<BTreeMap<String, String>, ClickHouseError> {
    let rows = server.lines("SELECT name, argMax(checksum, applied_at) FROM overgrant_migration GROUP BY name").await?;
    Ok(rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()).map(|[name, sum]| (name, sum)).collect())
}

async fn apply(
    server: &Server,
    migration: &Migration,
    applied: &BTreeMap<String, String>,
) -> Result<Step, ClickHouseError> {
    let name = migration.name.to_owned();
    match applied.get(migration.name) {
        Some(sum) if *sum == checksum(migration) => return Ok(Step::Known(name)),
        Some(_) => return Err(ClickHouseError::Changed { name }),
        None => {}
    }
    for sql in statements(migration, &server.place.database) {
        match server.execute(&sql).await {
            Err(ClickHouseError::Refused { code, text, .. }) if migration.needs_users && NO_USERS.contains(&code) => {
                return Ok(Step::Skipped { name, why: text });
            }
            done => done?,
        }
    }
    let row = format!(
        "INSERT INTO overgrant_migration (name, checksum) VALUES ({}, {})",
        literal(migration.name),
        literal(&checksum(migration))
    );
    server.execute(&row).await?;
    Ok(Step::Applied(name))
}

/// Sets the retention of the settings where a table has another.
async fn keep(server: &Server, config: &ValidConfig) -> Result<Vec<Step>, ClickHouseError> {
    let mut steps = Vec::new();
    let tables =
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'";
    let engines: BTreeMap<String, String> = server
        .lines(tables)
        .await?
        .into_iter()
        .filter_map(|row| <[String; 2]>::try_from(row).ok())
        .map(|[name, engine]| (name, engine))
        .collect();
    for (table, n_days) in &config.kept {
        let engine = engines.get(*table).map(String::as_str).unwrap_or_default();
        let has_any = engine.contains(" TTL ");
        let (is_right, change) = match n_days {
            0 => (!has_any, "REMOVE TTL".to_owned()),
            n_days => (engine.contains(&format!(" TTL {}", ttl(*n_days))), format!("MODIFY TTL {}", ttl(*n_days))),
        };
        if !is_right {
            server.execute(&format!("ALTER TABLE {table} {change}")).await?;
            let kept = if *n_days == 0 { "for good".to_owned() } else { format!("for {n_days} days") };
            steps.push(Step::Applied(format!("{table} is kept {kept}")));
        }
    }
    Ok(steps)
}

/// Sets the comments of columns where the docs of the nouns have changed.
async fn comment(server: &Server) -> Result<Vec<Step>, ClickHouseError> {
    let columns = "SELECT table, name, comment FROM system.columns WHERE database = currentDatabase()";
    let found: BTreeMap<(String, String), String> = server
        .lines(columns)
        .await?
        .into_iter()
        .filter_map(|row| <[String; 3]>::try_from(row).ok())
        .map(|[table, name, comment]| ((table, name), comment))
        .collect();
    let mut steps = Vec::new();
    for table in layout::TABLES {
        let wanted = columns_of(table.name).map_err(|error| ClickHouseError::Ours(error.to_string()))?;
        let differs = |column: &&Column| {
            let key = (table.name.to_owned(), column.name.clone());
            found.get(&key).is_some_and(|comment| *comment != column.comment)
        };
        let changes: Vec<String> = wanted
            .iter()
            .filter(differs)
            .map(|column| format!("COMMENT COLUMN `{}` {}", column.name, literal(&column.comment)))
            .collect();
        if !changes.is_empty() {
            server.execute(&format!("ALTER TABLE {} {}", table.name, changes.join(", "))).await?;
            steps.push(Step::Applied(format!("{} comments of {}", changes.len(), table.name)));
        }
    }
    Ok(steps)
}

/// Sees that a database has every migration that its writers need.
pub(crate) async fn check(server: &Server) -> Result<(), ClickHouseError> {
    let lacks = |name: &str| ClickHouseError::NotMigrated { place: server.place.to_string(), name: name.to_owned() };
    let applied = match applied(server).await {
        // Nobody migrated it.
        Err(ClickHouseError::Refused { code: UNKNOWN_TABLE | UNKNOWN_DATABASE, .. }) => BTreeMap::new(),
        applied => applied?,
    };
    for migration in MIGRATIONS.iter().filter(|migration| !migration.needs_users) {
        match applied.get(migration.name) {
            None => return Err(lacks(migration.name)),
            Some(sum) if *sum != checksum(migration) => {
                return Err(ClickHouseError::Changed { name: migration.name.to_owned() });
            }
            Some(_) => {}
        }
    }
    Ok(())
}
