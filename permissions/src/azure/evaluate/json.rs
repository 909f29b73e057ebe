//! Reading the official forms: properties at the top, as `az` prints them, or below `properties`, as Azure Resource Manager
//! returns them. What is of a wrong type is told with its place.

use serde_json::Value;

/// An object and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Object<'v> {
    value: &'v Value,
    body: &'v Value,
}

impl<'v> Object<'v> {
    pub(super) fn new(value: &'v Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("is not an object".to_owned());
        }
        Ok(Self { value, body: value.get("properties").filter(|body| body.is_object()).unwrap_or(value) })
    }

    /// One without any property.
    pub(super) fn empty() -> Self {
        Self { value: &Value::Null, body: &Value::Null }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'v Value> {
        self.body.get(key).or_else(|| self.value.get(key)).filter(|value| !value.is_null())
    }

    /// A text; absent and null are the same.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'v str>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{key}` is not a string")),
        }
    }

    pub(super) fn needed(&self, key: &str) -> Result<&'v str, String> {
        self.text(key)?.ok_or_else(|| format!("field `{key}` is missing"))
    }

    pub(super) fn list(&self, key: &str) -> Result<&'v [Value], String> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(format!("`{key}` is not a list")),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, String> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("`{key}` is neither `true` nor `false`")),
        }
    }

    /// What it is called: one of `keys` of its own, its `name`, the end of its `id`.
    pub(super) fn name(&self, keys: &[&str]) -> Option<&'v str> {
        let text = |of: &'v Value, key: &str| of.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let own = keys.iter().find_map(|key| text(self.body, key));
        own.or_else(|| text(self.value, "name")).or_else(|| text(self.value, "id").map(last_segment))
    }
}

/// What stands behind the last slash: the GUID of a role definition's id.
pub(super) fn last_segment(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}
