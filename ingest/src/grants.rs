//! Entitlement and inventory files become snapshots: a begin mark, the objects, an end mark.
//!
//! The objects of a file are held until its end, since whose they are may stand anywhere in it, and since a snapshot
//! that breaks off must say so. Every list of a file is a snapshot of its own; lists that cover several accounts (an
//! organization's asset search) become one for each account. Where one command tells of one group, policy or parent
//! alone, its answer is a part of the list, so that it deletes nothing of the others.

mod account;
mod objects;
mod path;

use std::collections::BTreeMap;

use bytes::Bytes;
use schemas::message::raw_grant_topic;
use schemas::{AccountId, Body, Id128, Mark, Origin, RawGrant, Text, Time};
use xxhash_rust::xxh3::Xxh3;

use crate::split::kind::{GrantList, Kind};

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) body: Bytes,
    pub(crate) offset: i64,
}

/// A value of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) kind: Kind,
    pub(crate) bytes: &'a Bytes,
    pub(crate) offset: i64,
    /// Whether it is a document of its own, no element of a list.
    pub(crate) alone: bool,
}

/// What a file says of its snapshots beside the objects.
#[derive(Clone, Debug)]
pub(crate) struct About<'a> {
    pub(crate) name: &'a Text,
    pub(crate) hint: &'a str,
    pub(crate) collected_at: Time,
    pub(crate) ingested_at: Time,
}

/// A list that does not say which account it is of.
#[derive(Debug)]
pub(crate) struct Homeless {
    pub(crate) list: GrantList,
    pub(crate) offset: i64,
    pub(crate) bodies: Vec<Bytes>,
}

/// The objects of one file.
#[derive(Debug, Default)]
pub(crate) struct GrantBuffer {
    /// By list and part.
    lists: BTreeMap<(GrantList, String), Vec<Object>>,
    n_bytes: usize,
    incomplete: bool,
    overflowed: bool,
}

impl GrantBuffer {
    /// Whether it holds anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// A list was opened, though it may turn out to be empty.
    pub(crate) fn opened(&mut self, list: GrantList) {
        self.lists.entry((list, String::new())).or_default();
    }

    /// Something of the file could not be read, so nothing may be deleted because of it.
    pub(crate) fn broke(&mut self) {
        self.incomplete = true;
    }

    /// Whether it held more than the bound, and dropped the rest.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Takes a value that is not a log record.
    pub(crate) fn push(&mut self, value: &Value<'_>, hint: &str, max_bytes: usize) {
        self.n_bytes += value.bytes.len();
        if self.n_bytes > max_bytes {
            self.overflowed = true;
            self.incomplete = true;
            return;
        }
        match value.kind {
            Kind::Grant(list @ (GrantList::AzureGroupMembers | GrantList::GcpGroupMembers), "member") => {
                self.member(list, value, hint);
            }
            Kind::Grant(list, kind) => {
                let (kind, body) = objects::body(list, kind, value.bytes, hint);
                let id = objects::id(list, kind, &body, hint);
                let part = objects::part(list, (kind, &id), &body, (value.alone, hint));
                self.lists.entry((list, part)).or_default().push(Object { kind, id, body, offset: value.offset });
            }
            Kind::Policy => {
                let bindings = objects::bindings(value.bytes, value.offset);
                self.lists.entry((GrantList::GcpIamPolicy, String::new())).or_default().extend(bindings);
            }
            Kind::Groups => {
                let groups = objects::groups(value.bytes, value.offset);
                self.lists.entry((GrantList::AzureGroupMembers, String::new())).or_default().extend(groups);
            }
            Kind::GcpGroup => {
                let group = objects::gcp_group(value.bytes, value.offset, hint);
                self.lists.entry((GrantList::GcpGroupMembers, group.id.clone())).or_default().push(group);
            }
            Kind::Log(_) | Kind::Lookup | Kind::Unknown => {}
        }
    }

    /// A member of the one group that the file is about joins that group's object.
    fn member(&mut self, list: GrantList, value: &Value<'_>, hint: &str) {
        let azure = list == GrantList::AzureGroupMembers;
        let group = if azure { path::stem(hint) } else { path::email(hint).unwrap_or_default() }.to_ascii_lowercase();
        let objects = self.lists.entry((list, group.clone())).or_default();
        match objects.iter_mut().find(|object| object.kind == "members") {
            Some(object) => {
                let mut body = object.body.to_vec();
                body.push(b',');
                body.extend_from_slice(value.bytes);
                object.body = Bytes::from(body);
            }
            None => {
                objects.push(Object { kind: "members", id: group, body: value.bytes.clone(), offset: value.offset })
            }
        }
    }

    /// The file has ended: hands out its snapshots.
    pub(crate) fn finish(self, about: &About<'_>) -> Vec<Result<RawGrant, Homeless>> {
        let mut out = Vec::new();
        for ((list, part), mut objects) in self.lists {
            objects::close(&mut objects);
            let name = if part.is_empty() { list.name().to_owned() } else { format!("{}/{part}", list.name()) };
            let what = Named { list, name: &name, incomplete: self.incomplete };
            for (account_id, objects) in account::each(list, objects, about.hint) {
                snapshot(&what, account_id, &objects, about, &mut out);
            }
        }
        out
    }
}

/// A list, or a part of one, as it is called.
struct Named<'a> {
    list: GrantList,
    name: &'a str,
    incomplete: bool,
}

fn snapshot(
    what: &Named<'_>,
    account_id: Option<AccountId>,
    objects: &[Object],
    about: &About<'_>,
    out: &mut Vec<Result<RawGrant, Homeless>>,
) {
    let Named { list, name, incomplete } = *what;
    let first = objects.first().map_or(0, |object| object.offset);
    let Some(account_id) = account_id else {
        let bodies = objects.iter().map(|object| object.body.clone()).collect();
        out.push(Err(Homeless { list, offset: first, bodies }));
        return;
    };
    let n_objects = i64::try_from(objects.len()).unwrap_or(i64::MAX);
    let mark = |mark: Mark, place: i64, offset: i64| RawGrant {
        provider: list.provider(),
        account_id: account_id.clone(),
        list: Text::from(name),
        snapshot_id: Id128::default(),
        place,
        mark,
        object_kind: Text::default(),
        object_id: Text::default(),
        body: Body::default(),
        collected_at: about.collected_at,
        ingested_at: about.ingested_at,
        origin: Origin {
            topic: Text::from(raw_grant_topic(list.provider())),
            partition: 0,
            offset,
            file: Some(about.name.clone()),
        },
    };
    let last = objects.last().map_or(0, |object| object.offset);
    let end = if incomplete { Mark::Abort } else { Mark::End };
    let mut grants = vec![mark(Mark::Begin, -1, first)];
    for (object, place) in objects.iter().zip(0..) {
        let mut grant = mark(Mark::Object, place, object.offset);
        grant.object_kind = Text::from(object.kind);
        grant.object_id = Text::new(&object.id);
        grant.body = Body(object.body.clone());
        grants.push(grant);
    }
    grants.push(mark(end, n_objects, last));
    let snapshot_id = content_hash(name, &account_id, objects, incomplete);
    out.extend(grants.into_iter().map(|mut grant| {
        grant.snapshot_id = snapshot_id;
        Ok(grant)
    }));
}

/// The same objects are the same snapshot, whichever file they stand in.
fn content_hash(list: &str, account_id: &str, objects: &[Object], incomplete: bool) -> Id128 {
    let mut hash = Xxh3::new();
    for object in objects {
        hash.update(&(object.body.len() as u64).to_le_bytes());
        hash.update(&object.body);
    }
    let digest = hash.digest128().to_le_bytes();
    Id128::of_parts(&[list.as_bytes(), account_id.as_bytes(), &digest, &[u8::from(incomplete)]])
}
