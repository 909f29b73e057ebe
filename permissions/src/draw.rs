//! Tests: numbers from a seed, and what is drawn with them.

use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014): one seed gives one run.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Yes in so many percent of the draws.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Puts something else into a place of a document.
    pub(crate) fn spoil(&mut self, value: &mut Value) {
        let size = match &*value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        if size == 0 || self.chance(10) {
            *value = self.hostile();
            return;
        }
        let at = self.below(size);
        match value {
            Value::Array(list) => self.spoil(&mut list[at]),
            Value::Object(map) => {
                if let Some((_, inside)) = map.iter_mut().nth(at) {
                    self.spoil(inside);
                }
            }
            _ => {}
        }
    }

    fn hostile(&mut self) -> Value {
        let long = [
            "(",
            "!",
            "[",
            "*a",
            "/a",
            "a.",
            "-",
            "?",
            "&&",
            "'",
            "{",
            "é",
            "\u{0}",
            "a ? b : ",
            "ActionMatches{'*'} AND ",
        ];
        match self.below(9) {
            0 => Value::Null,
            1 => json!(7),
            2 => json!([[], {}, null, -1.5]),
            3 => json!({"properties": 7, "name": [], "id": {}}),
            4 => json!(""),
            5 => json!(true),
            6 => json!(["*", "", "/"]),
            _ => {
                let n = [3, 40, 700, 5000][self.below(4)];
                json!(self.one(&long).repeat(n))
            }
        }
    }
}
