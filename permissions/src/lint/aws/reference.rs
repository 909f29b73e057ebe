//! What AWS's service authorization reference says beyond the catalogue: which resource types an action acts on, in which
//! form of ARN, and which condition keys it has.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::keys::{fixed, parents};
use crate::bundled;

static TABLE: &[u8] = include_bytes!("../../../data/aws_actions.tsv.gz");
static TEXT: LazyLock<String> = LazyLock::new(|| bundled::unpack(TABLE));

/// The reference, read when it is first asked.
pub(super) static REFERENCE: LazyLock<Reference> = LazyLock::new(|| read(&TEXT));

/// What an action acts on, and its keys.
#[derive(Debug)]
pub(super) struct ActionReference {
    /// Forms such as `arn:${Partition}:s3:::${BucketName}`.
    pub(super) forms: Vec<&'static str>,
    /// Condition keys, in lower case, up to a `${TagKey}`.
    pub(super) keys: Vec<&'static str>,
}

/// All services.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// By name in lower case.
    actions: HashMap<String, ActionReference>,
    keys: HashSet<String>,
    prefixes: HashSet<String>,
}

impl Reference {
    pub(super) fn action(&self, name: &str) -> Option<&ActionReference> {
        self.actions.get(name.to_ascii_lowercase().as_str())
    }

    /// Whether any action of any service has a key.
    pub(super) fn has_key(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        self.keys.contains(&key) || parents(&key).any(|parent| self.keys.contains(parent))
    }

    /// Whether keys with a prefix such as `s3` are known at all.
    pub(super) fn knows_prefix(&self, prefix: &str) -> bool {
        self.prefixes.contains(prefix.to_ascii_lowercase().as_str())
    }

    /// All keys, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

impl ActionReference {
    pub(super) fn has_key(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        let same =
            |known: &str| known.eq_ignore_ascii_case(&key) || parents(&key).any(|p| known.eq_ignore_ascii_case(p));
        self.keys.iter().any(|known| same(known))
    }
}

fn read(text: &'static str) -> Reference {
    let mut reference = Reference::default();
    let (mut service, mut forms, mut keys) = ("", HashMap::new(), Vec::new());
    for line in bundled::lines(text) {
        let mut fields = line.split('\t');
        let (Some(tag), Some(name)) = (fields.next(), fields.next()) else { continue };
        match tag {
            "S" => {
                service = name;
                forms.clear();
                keys.clear();
            }
            "R" => {
                forms.insert(name, fields.next().unwrap_or_default());
            }
            "K" => {
                let key = fixed(name);
                keys.push(key);
                reference.keys.insert(key.to_ascii_lowercase());
                if let Some((prefix, _)) = key.split_once(':') {
                    reference.prefixes.insert(prefix.to_ascii_lowercase());
                }
            }
            _ => {
                let types = fields.nth(1).unwrap_or_default().split(',');
                let used = fields.next().unwrap_or_default().split(',').filter_map(|n| n.parse::<usize>().ok());
                let action = ActionReference {
                    forms: types.filter_map(|t| forms.get(t).copied()).collect(),
                    keys: used.filter_map(|n| keys.get(n).copied()).collect(),
                };
                reference.actions.insert(format!("{service}:{name}").to_ascii_lowercase(), action);
            }
        }
    }
    reference
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests {
    use super::*;

    #[test]
    fn an_action_has_its_forms_and_keys() {
        let action = REFERENCE.action("S3:getobject").unwrap();
        assert!(action.forms.contains(&"arn:${Partition}:s3:::${BucketName}/${ObjectName}"));
        assert!(action.has_key("s3:ExistingObjectTag/team"));
        assert!(!action.has_key("s3:max-keys"));
        assert!(REFERENCE.action("s3:ListAllMyBuckets").unwrap().forms.is_empty());
        assert!(REFERENCE.has_key("iam:PassedToService") && !REFERENCE.has_key("iam:PassedToServiceX"));
    }
}
