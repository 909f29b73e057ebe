//! The known paths, as `data/escalation_*.tsv` tell them.

use std::sync::LazyLock;

use roaring::RoaringBitmap;
use schemas::Provider;
use smol_str::SmolStr;

use super::{EscalationPath, Gain, Need, On, Required};
use crate::bundled;
use crate::catalogue::{Catalogue, ProviderCatalogue};

static AWS: &str = include_str!("../../data/escalation_aws.tsv");
static AZURE: &str = include_str!("../../data/escalation_azure.tsv");
static GCP: &str = include_str!("../../data/escalation_gcp.tsv");

/// The known paths of a cloud whose permissions the bundled catalogue knows.
#[must_use]
pub fn paths(provider: Provider) -> &'static [EscalationPath] {
    static PATHS: LazyLock<[Vec<EscalationPath>; 3]> =
        LazyLock::new(|| [Provider::Aws, Provider::Azure, Provider::Gcp].map(read));
    &PATHS[provider as usize]
}

fn text(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => AWS,
        Provider::Azure => AZURE,
        Provider::Gcp => GCP,
    }
}

fn read(provider: Provider) -> Vec<EscalationPath> {
    let catalogue = Catalogue::bundled().provider(provider);
    bundled::lines(text(provider)).filter_map(|line| path(line, catalogue)).collect()
}

/// One line; `None` when it is malformed or names a permission that the catalogue does not know, which a test forbids.
fn path(line: &str, catalogue: &ProviderCatalogue) -> Option<EscalationPath> {
    let mut fields = line.split('\t');
    let (id, (need, below), gain) = (fields.next()?, need(fields.next()?)?, gain(fields.next()?)?);
    let required: Option<Vec<Required>> = fields.next()?.split(',').map(|entry| required(entry, catalogue)).collect();
    let required = required?;
    let of = fields.next()?.split(',').filter(|word| *word != "-").map(SmolStr::new).collect();
    let (source, title) = (fields.next()?, fields.next()?);
    let actions: RoaringBitmap = required.iter().map(|one| one.action.0).collect();
    let permissions = required.iter().map(|one| one.name.clone()).collect();
    Some(EscalationPath {
        id: id.into(),
        title: title.into(),
        source: source.into(),
        need,
        gain,
        permissions,
        required,
        of,
        below,
        actions,
    })
}

fn required(entry: &str, catalogue: &ProviderCatalogue) -> Option<Required> {
    let (name, on) = entry.split_once('@')?;
    Some(Required { name: name.into(), action: catalogue.lookup(name)?, on: self::on(on)? })
}

fn need(word: &str) -> Option<(Need, bool)> {
    let below = word.strip_suffix("_below");
    let need = match below.unwrap_or(word) {
        "self" => Need::Own,
        "self_user" => Need::OwnUser,
        "self_role" => Need::OwnRole,
        "self_group" => Need::OwnGroup,
        "group" => Need::AdminGroup,
        "role" => Need::PassableRole,
        "workload" => Need::Workload,
        "principal" => Need::Identity,
        _ => return None,
    };
    Some((need, below.is_some()))
}

fn gain(word: &str) -> Option<Gain> {
    Some(match word {
        "admin" => Gain::Administrator,
        "target" => Gain::Target,
        "perhaps" => Gain::Perhaps,
        "raise" => Gain::Raise,
        "limited" => Gain::Part,
        "delegate" => Gain::Delegation,
        _ => return None,
    })
}

fn on(word: &str) -> Option<On> {
    Some(match word {
        "self" => On::Holder,
        "own_group" => On::OwnGroup,
        "own_policy" => On::OwnPolicy,
        "target" => On::Target,
        "target_policy" => On::TargetPolicy,
        "workload" => On::Workload,
        "account" => On::Account,
        "new" => On::Anything,
        "same" => On::Same,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_names_permissions_of_the_catalogue() {
        for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
            let catalogue = Catalogue::bundled().provider(provider);
            for line in bundled::lines(text(provider)) {
                assert!(path(line, catalogue).is_some(), "{line}");
            }
            let mut ids: Vec<&str> = paths(provider).iter().map(|path| path.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), paths(provider).len(), "an id is there twice");
            assert!(paths(provider).iter().all(|path| path.source.starts_with("https://")));
        }
    }
}
