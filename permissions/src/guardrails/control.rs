//! The published controls that rules serve: number, title, page.

use std::sync::LazyLock;

use crate::bundled;

static TABLE: &str = include_str!("../../data/controls.tsv");

/// A control of a public catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Catalogue, version and number: `CIS AWS 3.0.0 1.16`, `NIST SP 800-53 r5 AC-6(5)`.
    pub tag: &'static str,
    /// Its title there.
    pub title: &'static str,
    /// A public page about it.
    pub page: &'static str,
}

/// Finds a control by its tag; `None` for one that is not in the table, such as an organization's own.
#[must_use]
pub fn control(tag: &str) -> Option<&'static Control> {
    static CONTROLS: LazyLock<Vec<Control>> = LazyLock::new(|| {
        let one = |line: &'static str| {
            let mut fields = line.split('\t');
            Some(Control { tag: fields.next()?, title: fields.next()?, page: fields.next()? })
        };
        bundled::lines(TABLE).filter_map(one).collect()
    });
    CONTROLS.iter().find(|control| control.tag == tag)
}
