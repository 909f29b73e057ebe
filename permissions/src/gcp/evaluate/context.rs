//! What is known of a request besides who, what and where: the attributes that conditions ask for.

use std::collections::{BTreeMap, HashMap};

use smol_str::SmolStr;

use super::condition::{Value, time};

/// Attributes of a request. One that nobody named is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    attributes: HashMap<SmolStr, Option<Value>>,
    api: HashMap<SmolStr, Option<Value>>,
    tags: Option<BTreeMap<String, String>>,
    tag_ids: Option<BTreeMap<String, String>>,
}

/// What a context says of an attribute.
pub(super) enum Held<'c> {
    Value(&'c Value),
    Absent,
    Unknown,
}

impl Context {
    /// Says what an attribute such as `request.time` or `resource.type` is; null says that the service does not have it.
    ///
    /// # Errors
    /// When the value is of no type that an attribute has.
    pub fn set(&mut self, attribute: &str, value: &serde_json::Value) -> Result<(), String> {
        let read = match (attribute, value) {
            (_, serde_json::Value::Null) => None,
            ("request.time", value) => {
                Some(Value::Time(value.as_str().and_then(time).ok_or("is no time of RFC 3339")?))
            }
            (_, value) => {
                Some(Value::of_json(value).ok_or("is neither a text, a whole number, a list nor true or false")?)
            }
        };
        self.attributes.insert(attribute.into(), read);
        Ok(())
    }

    /// Says what `api.getAttribute` finds under a name; null says that the service has none.
    ///
    /// # Errors
    /// When the value is of no type that an attribute has.
    pub fn set_api(&mut self, name: &str, value: &serde_json::Value) -> Result<(), String> {
        let read = match value {
            serde_json::Value::Null => None,
            value => Some(Value::of_json(value).ok_or("is neither a text, a whole number, a list nor true or false")?),
        };
        self.api.insert(name.into(), read);
        Ok(())
    }

    /// Says which tags the resource has, inherited ones among them: `123456/env` to `prod`, and by their ids: `tagKeys/1` to
    /// `tagValues/2`. `None` is not known.
    pub fn set_tags(&mut self, tags: Option<BTreeMap<String, String>>, ids: Option<BTreeMap<String, String>>) {
        self.tags = tags;
        self.tag_ids = ids;
    }

    /// Names `resource.name` and `resource.service` after a full resource name, unless they are named already.
    pub fn fill_in(&mut self, resource: &str) {
        let Some((service, path)) = resource.strip_prefix("//").and_then(|rest| rest.split_once('/')) else { return };
        // A bucket's full name has no path, its name in conditions has (Resource attributes for IAM Conditions).
        let name = match service {
            "storage.googleapis.com" if !path.starts_with("projects/") => format!("projects/_/buckets/{path}"),
            _ => path.to_owned(),
        };
        let text = |text: &str| Some(Value::Text(text.into()));
        self.attributes.entry("resource.name".into()).or_insert_with(|| text(&name));
        self.attributes.entry("resource.service".into()).or_insert_with(|| text(service));
    }

    pub(super) fn attribute(&self, name: &str) -> Held<'_> {
        held(self.attributes.get(name))
    }

    pub(super) fn api(&self, name: &str) -> Held<'_> {
        held(self.api.get(name))
    }

    /// The value of a tag, `None` inside when the resource does not have the key, `None` when tags are not known.
    pub(super) fn tag(&self, key: &str, by_id: bool) -> Option<Option<&str>> {
        let tags = if by_id { &self.tag_ids } else { &self.tags };
        tags.as_ref().map(|tags| tags.get(key).map(String::as_str))
    }
}

fn held(entry: Option<&Option<Value>>) -> Held<'_> {
    match entry {
        Some(Some(value)) => Held::Value(value),
        Some(None) => Held::Absent,
        None => Held::Unknown,
    }
}
