//! Writes a sample: `cargo run -p sample --example write -- DIR [DAYS] [IDENTITIES] [ATTACKS] [SEED]`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u32| args.get(at).map_or(Ok(default), |text| text.parse());
    let defaults = sample::SampleParams::default();
    let params = sample::SampleParams {
        n_days: number(1, defaults.n_days)?,
        n_identities: number(2, defaults.n_identities)?,
        n_attacks: number(3, defaults.n_attacks)?,
        seed: u64::from(number(4, 42)?),
        ..defaults
    };
    sample::generate(&params, Path::new(args.first().ok_or("name a folder")?))?;
    Ok(())
}
