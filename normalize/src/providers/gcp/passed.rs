//! Service accounts that a request hands to a resource: each needs `iam.serviceAccounts.actAs`
//! (cloud.google.com/iam/docs/service-accounts-actas), which the record does not always name.

use std::collections::BTreeSet;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::providers::loose::KeySeed;

/// The most service accounts of one request; a VM takes one.
const MAX_PASSED: usize = 32;

/// The e-mails of the service accounts that a request's JSON passes, in order. Passed is what stands under
/// `serviceAccount`, `serviceAccountEmail` or `serviceAccountName` as text, or under `serviceAccounts` as objects with an
/// `email`, at any depth.
pub(super) fn service_accounts(request: &str) -> Vec<String> {
    let worth_a_look = ["erviceAccount", "ervice_account"]
        .iter()
        .any(|part| memchr::memmem::find(request.as_bytes(), part.as_bytes()).is_some());
    if !worth_a_look {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut reader = sonic_rs::Deserializer::from_str(request);
    // A request that cannot be read passes nothing; the record around it was read.
    let _ = serde::de::DeserializeSeed::deserialize(Walk { found: &mut found, passed: false }, &mut reader);
    found.into_iter().collect()
}

struct Walk<'f> {
    found: &'f mut BTreeSet<String>,
    /// Whether text here is a service account that is passed.
    passed: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let email = text.rsplit('/').next().unwrap_or(text).trim_start_matches("serviceAccount:");
        let is_account = email.ends_with("gserviceaccount.com") && email.contains('@') && email.len() <= 256;
        if self.passed && is_account && self.found.len() < MAX_PASSED {
            self.found.insert(email.to_lowercase());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let passed = match key.as_bytes() {
                b"serviceaccount" | b"serviceaccountemail" | b"serviceaccountname" | b"serviceaccounts" => true,
                b"email" => self.passed,
                // Who may do what is no passing, nor is what an account is called.
                b"policy" | b"bindings" | b"delegates" => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => false,
            };
            map.next_value_seed(Walk { found: &mut *self.found, passed })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { found: &mut *self.found, passed: self.passed })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_is_found() {
        for (request, expected) in [
            (
                r#"{"serviceAccounts":[{"email":"a@p.iam.gserviceaccount.com","scopes":["x"]}]}"#,
                &["a@p.iam.gserviceaccount.com"][..],
            ),
            (r#"{"function":{"serviceAccountEmail":"A@p.iam.gserviceaccount.com"}}"#, &["a@p.iam.gserviceaccount.com"]),
            (
                r#"{"cluster":{"config":{"gceClusterConfig":{"service_account":"b@p.iam.gserviceaccount.com"}}}}"#,
                &["b@p.iam.gserviceaccount.com"],
            ),
            (
                r#"{"t":{"serviceAccount":"projects/p/serviceAccounts/c@p.iam.gserviceaccount.com"}}"#,
                &["c@p.iam.gserviceaccount.com"],
            ),
            (r#"{"serviceAccount":"default"}"#, &[]),
            (r#"{"policy":{"bindings":[{"serviceAccount":"a@p.iam.gserviceaccount.com"}]}}"#, &[]),
            (r#"{"email":"a@p.iam.gserviceaccount.com","x":"serviceAccount"}"#, &[]),
            (r#"{"service_account":{"display_name":"d"},"account_id":"x"}"#, &[]),
            ("", &[]),
            (r#"{"serviceAccount":"#, &[]),
            ("\"...serviceAccount\"", &[]),
        ] {
            assert_eq!(service_accounts(request), expected, "{request}");
        }
    }
}
