//! AWS policies.
//!
//! `shape` holds the grammar and yields [`Statement`]s; each other file holds the rules about one thing that a statement
//! says.

mod conditions;
mod grants;
mod identities;
mod keys;
mod names;
mod organization;
mod overlap;
mod reference;
mod resources;
mod risk;
mod shape;
mod trust;

use std::sync::Arc;

use roaring::RoaringBitmap;
use schemas::Provider;

use super::detect::Part;
use super::json::Node;
use super::{Found, Kind, Options};
use crate::catalogue::{Catalogue, ProviderCatalogue};

/// A text and where it stands.
#[derive(Clone, Copy, Debug)]
struct Spot<'n> {
    text: &'n str,
    at: u32,
}

/// One operator on one key.
#[derive(Clone, Debug)]
struct Test<'n> {
    /// The operator as written, prefix and suffix included.
    operator: &'n str,
    operator_at: u32,
    key: &'n str,
    key_at: u32,
    values: &'n [Node],
}

/// What a rule needs of a statement; what could not be read is absent, and was said.
#[derive(Clone, Debug)]
struct Statement<'n> {
    node: &'n Node,
    allow: bool,
    actions: Option<Vec<Spot<'n>>>,
    not_actions: Option<Vec<Spot<'n>>>,
    resources: Option<Vec<Spot<'n>>>,
    not_resources: Option<Vec<Spot<'n>>>,
    principal: Option<&'n Node>,
    not_principal: Option<&'n Node>,
    condition: Option<&'n Node>,
    tests: Vec<Test<'n>>,
}

/// A document while it is looked at.
#[derive(Debug)]
struct Document<'n> {
    kind: Kind,
    node: &'n Node,
    statements: Vec<Statement<'n>>,
    options: &'n Options,
    catalogue: &'static ProviderCatalogue,
}

/// Looks at one policy document.
pub(super) fn check(part: &Part<'_>, options: &Options, found: &mut Found) {
    let statements = shape::check(part, found);
    let document = Document {
        kind: part.kind,
        node: &part.node,
        statements,
        options,
        catalogue: Catalogue::bundled().provider(Provider::Aws),
    };
    names::check(&document, found);
    resources::check(&document, found);
    conditions::check(&document, found);
    identities::check(&document, found);
    trust::check(&document, found);
    risk::check(&document, found);
    grants::check(&document, found);
    overlap::check(&document, found);
    organization::check(&document, found);
}

impl Statement<'_> {
    /// The actions it names, as numbers of the catalogue; `NotAction` is all the others.
    fn expanded(&self, catalogue: &ProviderCatalogue) -> RoaringBitmap {
        let union = |spots: &[Spot<'_>]| {
            let mut union = RoaringBitmap::new();
            for spot in spots {
                let some: Arc<RoaringBitmap> = catalogue.expand(spot.text);
                union |= &*some;
            }
            union
        };
        match (&self.actions, &self.not_actions) {
            (Some(actions), _) => union(actions),
            (None, Some(except)) => (0..catalogue.len() as u32).collect::<RoaringBitmap>() - union(except),
            (None, None) => RoaringBitmap::new(),
        }
    }

    /// Whether it reaches every resource.
    fn on_everything(&self) -> bool {
        self.resources.iter().flatten().any(|r| is_whole(r.text))
    }

    /// Where to point when the whole statement is meant.
    fn at(&self) -> u32 {
        self.node.start
    }
}

/// Whether a resource pattern is every resource.
fn is_whole(pattern: &str) -> bool {
    crate::resource::is_whole_account(Provider::Aws, pattern)
}
