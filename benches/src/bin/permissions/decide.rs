//! Decisions on requests that are all different, without any memory of verdicts. Policies and requests are read before.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use benches::{BenchError, Moment};
use permissions::aws::evaluate::{
    Action, CompiledPolicy, Context, Identity, OwnedRequest, Policies, PolicyKind, Unnamed, decide,
};

use crate::requests::{self, Requests};

/// How often all requests are decided, for a turn of some seconds; before it once more, which does not count.
const N_ROUNDS: u32 = 1000;

pub(crate) fn run(requests: &str, out: &str) -> Result<(), BenchError> {
    let drawn = requests::read(requests)?;
    let held = held(&drawn);
    let ask = |request: &requests::Request| {
        let identity = Identity::parse(&drawn.identities[request.identity].arn)?;
        Ok((owned(request, identity)?, &held[request.identity]))
    };
    let asked = drawn.requests.iter().map(ask).collect::<Result<Vec<_>, String>>()?;
    let mut written = String::new();
    for (request, policies) in &asked {
        let verdict = serde_json::to_value(decide(request.as_request(), policies).verdict)?;
        writeln!(written, "{}", verdict.as_str().unwrap_or_default())?;
    }
    let start = Moment::now();
    for _ in 0..N_ROUNDS {
        for (request, policies) in &asked {
            black_box(decide(black_box(request.as_request()), policies));
        }
    }
    println!("{}", start.elapsed_s() * 1e9 / (f64::from(N_ROUNDS) * asked.len() as f64));
    std::fs::write(out, written)?;
    Ok(())
}

/// The policies of each identity; a policy is compiled once for all that have it.
fn held(drawn: &Requests) -> Vec<Policies> {
    let mut compiled = HashMap::new();
    let mut one = |name: &String, kind| {
        let make = || Arc::new(CompiledPolicy::of_value(name, kind, &drawn.documents[name]));
        Arc::clone(compiled.entry((name.clone(), kind)).or_insert_with(make))
    };
    let of = |identity: &requests::Identity| Policies {
        identity: identity.policies.iter().map(|name| one(name, PolicyKind::Identity)).collect(),
        boundary: Some(one(&identity.boundary, PolicyKind::Boundary)),
        scps: identity.scps.iter().map(|level| level.iter().map(|name| one(name, PolicyKind::Scp)).collect()).collect(),
        ..Policies::default()
    };
    drawn.identities.iter().map(of).collect()
}

fn owned(request: &requests::Request, identity: Identity) -> Result<OwnedRequest, String> {
    let mut context = Context::new(Unnamed::Absent);
    for (key, values) in &request.context {
        context.set(key, values.iter().map(String::as_str));
    }
    let (action, resource) = (Action::parse(&request.action)?, request.resource.clone());
    Ok(OwnedRequest { identity, action, resource, resource_account: None, context })
}
