//! Members: whom a binding or a deny rule names, in one spelling.

use std::collections::HashSet;

use schemas::Text;
use serde_json::Value;
use smol_str::SmolStr;

use super::identity::Identity;
use crate::truth::{Doubts, Truth};

/// Members per list beyond which the rest is not read; Google takes 1,500 per policy.
const MAX_MEMBERS: usize = 16_384;
/// Longest member that is read.
const MAX_BYTES: usize = 2048;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// By the one name that it has here.
    Named(SmolStr),
    /// `projectOwner:p`, `projectEditor:p`, `projectViewer:p`: whoever has the basic role on the project.
    Convenience { role: &'static str, project: SmolStr },
    /// A deleted identity, which nobody is: one that is made anew under the name does not get what the old one had.
    Deleted,
    /// Not recognised.
    Unknown,
}

/// Reads a member in the spelling of allow policies or of deny policies.
pub(super) fn member(text: &str) -> Member {
    let named = |kind: &str, name: &str| Member::Named(format!("{kind}:{}", name.to_lowercase()).into());
    let v2 = [
        ("principal://goog/subject/", "user"),
        ("principalSet://goog/group/", "group"),
        ("principal://iam.googleapis.com/projects/-/serviceAccounts/", "serviceAccount"),
    ];
    if text.len() > MAX_BYTES {
        return Member::Unknown;
    }
    if text == "principalSet://goog/public:all" {
        return Member::Named("allUsers".into());
    }
    if let Some((name, kind)) = v2.iter().find_map(|(prefix, kind)| Some((text.strip_prefix(prefix)?, kind))) {
        return if name.is_empty() { Member::Unknown } else { named(kind, name) };
    }
    match text.split_once(':') {
        None if text == "allUsers" || text == "allAuthenticatedUsers" => Member::Named(text.into()),
        Some(("deleted", _)) => Member::Deleted,
        Some((_, "")) | None => Member::Unknown,
        Some((kind @ ("user" | "serviceAccount" | "group" | "domain"), name)) => named(kind, name),
        Some(("principal" | "principalSet", rest)) if rest.starts_with("//") => Member::Named(text.into()),
        Some(("projectOwner", project)) => Member::Convenience { role: "roles/owner", project: project.into() },
        Some(("projectEditor", project)) => Member::Convenience { role: "roles/editor", project: project.into() },
        Some(("projectViewer", project)) => Member::Convenience { role: "roles/viewer", project: project.into() },
        Some(_) => Member::Unknown,
    }
}

/// A list of members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Members {
    names: HashSet<SmolStr>,
    /// Names that rest on facts which may not be known of an identity.
    sets: Vec<Text>,
    convenience: Vec<(&'static str, SmolStr, Text)>,
    /// Whether one could not be read or is not recognised, and what a doubt about it is called.
    flaw: Option<Text>,
}

impl Members {
    /// Reads a list; `wrong` is told what cannot be read. `place` is what doubts are called.
    pub(super) fn compile(list: Result<&[Value], String>, place: &str, wrong: &mut impl FnMut(String)) -> Self {
        let mut this = Self::default();
        let list = list.unwrap_or_else(|why| {
            this.flaw = Some(format!("{place}: {why}").into());
            wrong(why);
            &[]
        });
        if list.len() > MAX_MEMBERS {
            this.flawed(place, &format!("{} members, more than {MAX_MEMBERS}", list.len()), wrong);
        }
        for value in list.iter().take(MAX_MEMBERS) {
            let Some(text) = value.as_str() else {
                this.flawed(place, "a member is not a string", wrong);
                continue;
            };
            match member(text) {
                Member::Named(name) => {
                    if name.starts_with("principalSet:") {
                        this.sets.push(Text::from(name.as_str()));
                    }
                    this.names.insert(name);
                }
                Member::Convenience { role, project } => this.convenience.push((role, project, text.into())),
                Member::Deleted => {}
                Member::Unknown => {
                    this.flawed(place, &format!("`{}` is no member", super::short(text)), wrong);
                }
            }
        }
        this
    }

    /// Whether one means an identity for certain by its name alone.
    pub(super) fn names(&self, identity: &Identity) -> bool {
        identity.names().iter().any(|name| self.names.contains(name))
    }

    /// Whether one means an identity. `holds` says whether it has a basic role on a project.
    pub(super) fn mean<'m>(
        &'m self,
        identity: &Identity,
        holds: impl Fn(&str, &str) -> Truth,
        doubts: &mut Doubts<'m>,
    ) -> Truth {
        if self.names(identity) {
            return Truth::True;
        }
        let from = doubts.mark();
        let by_set =
            doubts.any(&self.sets, |set, doubts| if identity.may_be(set) { doubts.add(set) } else { Truth::False });
        let by_role = doubts.any(&self.convenience, |(role, project, text), doubts| match holds(role, project) {
            Truth::Unknown => doubts.add(text),
            known => known,
        });
        if by_role == Truth::True {
            doubts.forget(from);
        }
        by_set.max(by_role)
    }

    /// What could not be read, if anything could not.
    pub(super) fn flaw(&self) -> Option<&Text> {
        self.flaw.as_ref()
    }

    fn flawed(&mut self, place: &str, why: &str, wrong: &mut impl FnMut(String)) {
        self.flaw.get_or_insert_with(|| format!("{place}: {why}").into());
        wrong(why.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcp::evaluate::Facts;

    #[test]
    fn both_kinds_of_policies_mean_the_same_identities() {
        let mut report = String::new();
        for text in [
            "user:Ann@Example.com",
            "principal://goog/subject/ann@example.com",
            "principalSet://goog/group/devs@example.com",
            "principal://iam.googleapis.com/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com",
            "principalSet://goog/public:all",
            "deleted:user:ann@example.com?uid=1",
            "deleted:principal://goog/subject/ann@example.com?uid=1",
            "projectOwner:p",
            "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*",
            "user:",
            "ann@example.com",
            "unheard:of",
        ] {
            report += &format!("{:?}\n", member(text));
        }
        expect_test::expect![[r#"
            Named("user:ann@example.com")
            Named("user:ann@example.com")
            Named("group:devs@example.com")
            Named("serviceAccount:sa@p.iam.gserviceaccount.com")
            Named("allUsers")
            Deleted
            Deleted
            Convenience { role: "roles/owner", project: "p" }
            Named("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*")
            Unknown
            Unknown
            Unknown
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn a_set_that_rests_on_what_is_not_known_may_hold_an_identity() {
        let pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p";
        let workload = Identity::parse(&format!("principal:{pool}/subject/s"), &Facts::default()).unwrap();
        let user = Identity::parse("user:a@b.c", &Facts::default()).unwrap();
        let mut report = String::new();
        for set in [
            format!("principalSet:{pool}/attribute.repo/r"),
            format!("principalSet:{pool}2/attribute.repo/r"),
            "principalSet://goog/cloudIdentityCustomerId/C1".to_owned(),
            "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAccount".to_owned(),
            "principalSet://cloudresourcemanager.googleapis.com/organizations/1".to_owned(),
        ] {
            report += &format!("{} {}\n", workload.may_be(&set), user.may_be(&set));
        }
        expect_test::expect![[r"
            true false
            false false
            false true
            false false
            true true
        "]]
        .assert_eq(&report);
    }
}
