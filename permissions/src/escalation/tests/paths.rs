//! Every path: with exactly its permissions it is there, with less it is not.

use schemas::Provider;

use super::super::{Gain, Need, On};
use super::build::{HOLDER, Scene, allow, deny, everything, policies, scenes, trust};

fn takes_role(scene: &Scene) -> bool {
    scene.path.permissions.iter().any(|name| name == "sts:AssumeRole")
}

#[test]
fn with_exactly_its_permissions_a_path_is_found() {
    for scene in scenes() {
        let id = &scene.path.id;
        let is_certain = scene.path.gain != Gain::Perhaps;
        assert_eq!(scene.found(), Some(is_certain), "{id}");
        let chain = scene.estate().chain_to_administrator(HOLDER);
        match scene.path.gain {
            Gain::Administrator | Gain::Target | Gain::Perhaps => {
                let chain = chain.unwrap_or_else(|| panic!("{id}: no chain"));
                assert_eq!((chain.steps.len(), chain.is_certain()), (1, is_certain), "{id}");
            }
            Gain::Raise | Gain::Part | Gain::Delegation => assert!(chain.is_none(), "{id}: {chain:?}"),
        }
    }
}

#[test]
fn with_one_permission_less_it_is_not() {
    for scene in scenes() {
        for left_out in 0..scene.grants.len() {
            let mut less = scene.clone();
            let gone = less.grants.remove(left_out);
            assert_eq!(less.found(), None, "{} without {}", scene.path.id, gone.action);
        }
    }
}

#[test]
fn with_a_permission_on_something_else_it_is_not() {
    for scene in scenes() {
        for (at, what) in scene.path.required.iter().enumerate() {
            if matches!(what.on, On::Anything | On::Same) {
                continue;
            }
            let mut other = scene.clone();
            other.grants[at].on = match (scene.provider, what.on) {
                (Provider::Azure, On::Account) => "/subscriptions/s/resourceGroups/mine".into(),
                (Provider::Gcp, On::Account) => "//storage.googleapis.com/mine".into(),
                _ => format!("{}-other", other.grants[at].on),
            };
            assert_eq!(other.found(), None, "{} {}", scene.path.id, what.name);
        }
    }
}

#[test]
fn where_the_target_is_no_administrator_nobody_becomes_one() {
    for mut scene in scenes().into_iter().filter(|scene| scene.path.gain == Gain::Target) {
        scene.target.administers.clear();
        assert_eq!(scene.found(), Some(true), "{}", scene.path.id);
        assert!(scene.estate().chain_to_administrator(HOLDER).is_none(), "{}", scene.path.id);
    }
}

#[test]
fn where_a_role_does_not_trust_it_is_not() {
    let of_trust =
        |scene: &Scene| scene.provider == Provider::Aws && (scene.path.need == Need::PassableRole || takes_role(scene));
    let mut n = 0;
    for scene in scenes().into_iter().filter(of_trust) {
        let strangers = trust(&["Service:other.amazonaws.com", "AWS:arn:aws:iam::111122223333:user/other"], None);
        let never = trust(
            &["AWS:arn:aws:iam::111122223333:root", "Service:lambda.amazonaws.com"],
            Some(r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/other"}}"#),
        );
        for missing in [None, Some(strangers), Some(never)] {
            let mut scene = scene.clone();
            scene.target.trust = missing;
            assert_eq!(scene.found(), None, "{}", scene.path.id);
            n += 1;
        }
    }
    assert!(n > 90, "{n}");
}

#[test]
fn a_deny_on_the_one_thing_ends_a_path_that_is_granted_on_all() {
    for scene in scenes() {
        let all = everything(scene.provider);
        let mut wide = scene.clone();
        wide.grants = scene.path.required.iter().map(|what| allow(scene.provider, &what.name, all)).collect();
        assert!(wide.found().is_some(), "{}", scene.path.id);
        for what in &scene.path.required {
            let mut denied = wide.clone();
            let on = match what.on {
                On::Anything | On::Same => all.to_owned(),
                on => scene.thing(on),
            };
            denied.grants.push(deny(scene.provider, &what.name, &on));
            assert_eq!(denied.found(), None, "{} {}", scene.path.id, what.name);
        }
    }
}

#[test]
fn what_rests_on_a_condition_is_not_certain() {
    for scene in scenes() {
        for at in 0..scene.grants.len() {
            let mut scene = scene.clone();
            scene.grants[at].condition = Some(match scene.provider {
                Provider::Aws => r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#.into(),
                Provider::Azure => {
                    "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a] StringEquals 'b'".into()
                }
                Provider::Gcp => "request.time < timestamp('2030-01-01T00:00:00Z')".into(),
            });
            assert_ne!(scene.found(), Some(true), "{} {}", scene.path.id, scene.grants[at].action);
            if scene.provider == Provider::Aws {
                assert_eq!(scene.found(), Some(false), "{} {}", scene.path.id, scene.grants[at].action);
            }
        }
    }
}

#[test]
fn a_condition_that_cannot_hold_ends_a_path_where_policies_are_known() {
    for scene in scenes().into_iter().filter(|scene| scene.provider == Provider::Aws) {
        let mut exact = scene.clone();
        exact.holder.policies = Some(policies(&exact.grants));
        assert_eq!(exact.found(), scene.found(), "{}", scene.path.id);
        for at in 0..scene.grants.len() {
            let mut exact = scene.clone();
            let other = r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/other"}}"#;
            exact.grants[at].condition = Some(other.into());
            exact.holder.policies = Some(policies(&exact.grants));
            assert_eq!(exact.found(), None, "{} {}", scene.path.id, scene.grants[at].action);
        }
    }
}

#[test]
fn a_role_is_passed_to_the_services_that_the_policy_says() {
    let passes = |scene: &Scene| scene.provider == Provider::Aws && scene.path.need == Need::PassableRole;
    for scene in scenes().into_iter().filter(passes) {
        let service = scene.target.trust.as_ref().unwrap().statements[0].identities[0].clone();
        let service = service.strip_prefix("Service:").unwrap().to_owned();
        for (to, expected) in [(service.as_str(), Some(true)), ("other.amazonaws.com", None)] {
            let mut scene = scene.clone();
            scene.grants[0].condition = Some(format!(r#"{{"StringEquals":{{"iam:PassedToService":"{to}"}}}}"#));
            scene.holder.policies = Some(policies(&scene.grants));
            assert_eq!(scene.found(), expected, "{} to {to}", scene.path.id);
        }
    }
}

#[test]
fn without_a_list_of_workloads_whoever_one_could_run_as_is_perhaps_reached() {
    for scene in scenes().into_iter().filter(|scene| scene.path.need == Need::Workload) {
        let mut estate_members = scene.clone();
        estate_members.workload = None;
        assert_eq!(estate_members.found(), None, "{}: nothing runs", scene.path.id);
        let mut holder = scene.holder.clone();
        let set = super::build::set(scene.provider, &scene.grants);
        holder.grants = vec![(scene.target.account.clone(), set)];
        let estate = super::super::Estate::new(scene.provider, vec![holder, scene.target.clone()], None);
        let edges = estate.edges(HOLDER, 100);
        let found = edges.iter().find(|edge| edge.path.id == scene.path.id).map(|edge| edge.is_certain);
        assert_eq!(found, Some(false), "{}", scene.path.id);
    }
}
