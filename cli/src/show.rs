//! How things look: colours and bars on a terminal, plain text elsewhere.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::args::LogFormat;

/// Bold.
pub(crate) const BOLD: Style = Style::new().bold();
/// For what matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For scores and severities from high on.
pub(crate) const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
/// For the middle.
pub(crate) const YELLOW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
/// For what is well.
pub(crate) const GREEN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));

/// Standard output, without colours where it is no terminal.
pub(crate) fn out() -> impl Write {
    anstream::AutoStream::auto(std::io::stdout().lock())
}

/// Text out of logs and policies as it may go to a terminal: control characters are replaced.
pub(crate) fn clean(text: impl std::fmt::Display) -> String {
    let replaced = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.to_string().chars().map(replaced).collect()
}

/// The terminal's width, when the answer goes to one.
pub(crate) fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let console = comfy_table::Table::new().width().map(usize::from);
    console.or(Some(120))
}

/// Whoever takes spans, beside the log.
pub(crate) type Spans = Box<dyn Layer<Registry> + Send + Sync>;

/// Sends log lines to stderr.
pub(crate) fn start_logs(format: LogFormat, spans: Option<Spans>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).init();
}

/// Tells an error and its causes on stderr.
pub(crate) fn error(error: &anyhow::Error) {
    let mut err = anstream::AutoStream::auto(std::io::stderr().lock());
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Nothing is left to tell a broken stderr to.
    let _ = writeln!(err, "{RED}error{RED:#}: {}", causes.join(": "));
}
