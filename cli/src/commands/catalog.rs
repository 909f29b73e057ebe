//! `overgrant catalog`: the known actions, and what a cloud itself lists.

use std::path::{Path, PathBuf};

use ::permissions::{ActionIdx, ActionInfo, Catalogue};
use anyhow::Context;
use schemas::Provider;
use serde_json::{Value, json};

use super::{print_rows, read_file};
use crate::args::{CatalogArgs, CatalogCommand, FormatArg};
use crate::{Exit, Mistake, show};

/// Listings that are read; a cloud has one, and an organization of Google some custom roles' worth.
const MAX_LISTINGS: usize = 64;

pub(super) fn run(args: &CatalogArgs, folder: &Path) -> anyhow::Result<Exit> {
    match &args.command {
        CatalogCommand::Show { patterns, format } => show(patterns, *format),
        CatalogCommand::Update { provider, file } => update(provider, file, folder),
    }
}

/// Makes the catalogue of this process the bundled one with all listings of the folder, in order of their names.
pub(super) fn install(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
    files.sort();
    if files.len() > MAX_LISTINGS {
        return Err(Mistake(format!("`{}` has more than {MAX_LISTINGS} listings", folder.display())).into());
    }
    let mut catalogue = Catalogue::default();
    for path in &files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let provider = provider_of(name.split('-').next().unwrap_or_default())
            .ok_or_else(|| Mistake(format!("`{}` does not begin with a cloud and `-`", path.display())))?;
        add(&mut catalogue, provider, path)?;
    }
    if !files.is_empty() && !catalogue.install() {
        return Err(Mistake("the catalogue was used before its listings were read".to_owned()).into());
    }
    Ok(())
}

fn provider_of(word: &str) -> Option<Provider> {
    Provider::ALL.iter().copied().find(|provider| provider.as_str() == word)
}

fn add(catalogue: &mut Catalogue, provider: Provider, path: &Path) -> anyhow::Result<usize> {
    let added = catalogue.extend_from_json(provider, &read_file(path)?);
    Ok(added.map_err(|error| Mistake(format!("`{}`: {error}", path.display())))?)
}

fn update(provider: &str, file: &Path, folder: &Path) -> anyhow::Result<Exit> {
    let provider = provider_of(provider).ok_or_else(|| Mistake(format!("unknown cloud `{provider}`")))?;
    let mut catalogue = Catalogue::default();
    let before = Catalogue::bundled().version().to_owned();
    let n_added = add(&mut catalogue, provider, file)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or("listing");
    let kept = folder.join(format!("{provider}-{name}.json"));
    std::fs::copy(file, &kept).with_context(|| format!("cannot write `{}`", kept.display()))?;
    anstream::println!(
        "{n_added} actions are new to the bundled catalogue; kept as `{}` (before: {before})",
        kept.display()
    );
    Ok(Exit::Done)
}

fn show(patterns: &[String], format: FormatArg) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::bundled();
    let mut rows = Vec::new();
    if patterns.is_empty() {
        for provider in Provider::ALL {
            let of = catalogue.provider(*provider);
            rows.push(json!({
                "provider": provider.as_str(), "version": catalogue.version(), "n_actions": of.len(), "n_services": of.services().len(),
            }));
        }
        print_rows(&["provider", "version", "n_actions", "n_services"], &rows, format)?;
        return Ok(Exit::Done);
    }
    for pattern in patterns {
        let before = rows.len();
        for provider in Provider::ALL {
            let of = catalogue.provider(*provider);
            rows.extend(of.expand(pattern).iter().map(|idx| row(*provider, of.action(ActionIdx(idx)))));
        }
        if rows.len() == before {
            anstream::eprintln!("{}`{pattern}` names no known action{:#}", show::YELLOW, show::YELLOW);
        }
    }
    let columns = ["action", "access_level", "risk", "risk_source", "logged", "acts_on"];
    print_rows(&columns, &rows, format)?;
    Ok(if rows.is_empty() { Exit::Usage } else { Exit::Done })
}

fn row(provider: Provider, action: &ActionInfo) -> Value {
    json!({
        "provider": provider.as_str(), "action": action.name, "access_level": action.level.as_str(), "risk": action.risk.as_str(),
        "risk_source": format!("{:?}", action.risk_source), "logged": format!("{:?}", action.logged),
        "acts_on": action.containers.iter().collect::<Vec<_>>(),
    })
}
