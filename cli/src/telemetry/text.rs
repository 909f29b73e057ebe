//! Writes families of numbers as Prometheus reads them (text format 0.0.4).

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;
use stream::clock::Clock;
use stream::metrics::{Family, Kind, Meters, Number};

pub(super) use prometheus_text::CONTENT_TYPE;

/// Asks the meters at each scrape.
struct Scraped(Meters);

impl std::fmt::Debug for Scraped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scraped")
    }
}

/// A registry of everything that the meters know.
pub(super) fn registry(meters: Meters) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scraped(meters)));
    registry
}

/// The page of a scrape.
pub(super) fn page(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut page = String::new();
    prometheus_text::encode(&mut page, registry)?;
    Ok(page)
}

impl Collector for Scraped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.families(&Clock::system()).iter().try_for_each(|family| write(family, &mut encoder))
    }
}

fn write(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    // The writers put the end of a counter's name and the sentence's full stop back.
    let name = if family.kind == Kind::Counter { family.name.trim_end_matches("_total") } else { &family.name };
    let mut written = encoder.encode_descriptor(name, family.help, None, kind)?;
    for sample in &family.samples {
        let mut one = written.encode_family(&sample.labels)?;
        match &sample.number {
            Number::Count(n) => one.encode_counter(n, None::<&Exemplar<NoLabelSet, f64>>)?,
            Number::Seconds(seconds) => one.encode_counter(seconds, None::<&Exemplar<NoLabelSet, f64>>)?,
            Number::Level(level) => one.encode_gauge(level)?,
            Number::Times(times) => {
                let classes: Vec<(f64, u64)> =
                    times.classes().map(|(end, n)| (if end.is_finite() { end } else { f64::MAX }, n)).collect();
                one.encode_histogram::<NoLabelSet>(times.sum_s(), times.n(), &classes, None)?;
            }
        }
    }
    Ok(())
}
