//! A file with one policy document or role of any cloud, recognised by its members.

use schemas::{Policy, Provider, Time};
use serde_json::Value;

use crate::{aws, azure, gcp};

/// Reads an AWS policy document, an Azure role definition or a GCP role; `at` is when it was seen. What of it cannot be read
/// is in its `errors`.
///
/// # Errors
/// When it is none of these.
pub fn read(bytes: &[u8], at: Time) -> Result<Policy, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
    let one = match &value {
        // `az role definition list` prints a list also of one.
        Value::Array(list) if list.len() == 1 => &list[0],
        value => value,
    };
    let has = |name: &str| one.get(name).is_some();
    let text = || serde_json::to_vec(one).unwrap_or_default();
    if has("Statement") || has("PolicyVersion") || has("Document") {
        let document = one.get("PolicyVersion").unwrap_or(one);
        let document = document.get("Document").unwrap_or(document);
        let parsed = aws::parse_policy(document.to_string().as_bytes());
        return Ok(Policy::of(Provider::Aws, parsed.statements, parsed.errors, at));
    }
    if has("includedPermissions")
        || one.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("roles/"))
    {
        let role = gcp::role(&text()).ok_or("the role has no `name`")?;
        return Ok(Policy::of(Provider::Gcp, vec![role.statement], Vec::new(), at));
    }
    let properties = one.get("properties").unwrap_or(one);
    if properties.get("permissions").is_some() || has("Actions") {
        let role = azure::role_definition(&text()).ok_or("the role definition has no name or no permissions")?;
        return Ok(Policy::of(Provider::Azure, role.statements, role.errors, at));
    }
    Err("it is no policy document of AWS, no role definition of Azure and no role of GCP".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::{ActionIdx, Grants};

    fn allowed(document: &str) -> Vec<String> {
        let policy = read(document.as_bytes(), Time(0)).unwrap();
        let set = Grants::new().of_policy(&policy, "policy", Catalogue::bundled());
        let catalogue = Catalogue::bundled().provider(policy.provider);
        set.actions().iter().map(|idx| catalogue.action(ActionIdx(idx)).name.to_string()).collect()
    }

    #[test]
    fn a_document_of_each_cloud_is_recognised() {
        let document = r#"{"Statement":[{"Effect":"Allow","Action":"sqs:*Message","Resource":"*"},
            {"Effect":"Deny","Action":"sqs:SendMessage","Resource":"*"}]}"#;
        assert_eq!(allowed(document), ["sqs:DeleteMessage", "sqs:ReceiveMessage"]);
        let version = format!(r#"{{"PolicyVersion":{{"Document":{document}}}}}"#);
        assert_eq!(allowed(&version), allowed(document));
        let role =
            r#"[{"name":"0","roleName":"r","permissions":[{"actions":["Microsoft.Compute/virtualMachines/read"]}]}]"#;
        assert_eq!(allowed(role), ["Microsoft.Compute/virtualMachines/read"]);
        let role = r#"{"name":"projects/p/roles/r","includedPermissions":["storage.buckets.get"]}"#;
        assert_eq!(allowed(role), ["storage.buckets.get"]);
    }

    #[test]
    fn something_else_is_told() {
        for (text, why) in
            [("{", "it is not JSON"), ("{}", "it is no policy document"), ("7", "it is no policy document")]
        {
            assert!(read(text.as_bytes(), Time(0)).unwrap_err().starts_with(why), "{text}");
        }
    }
}
