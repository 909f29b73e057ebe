//! Tables for people. Too many columns for the terminal become one block of lines a row.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use comfy_table::{CellAlignment, Table, presets};

use super::FormatError;
use super::cells::{Cells, as_text};

/// Narrower columns say nothing any more.
const MIN_COLUMN_WIDTH: usize = 8;
/// What lines and spaces cost per column, and once more at the edge.
const FRAME_WIDTH: usize = 3;

pub(super) fn write(
    out: &mut dyn Write,
    schema: &Schema,
    batches: &[RecordBatch],
    width: Option<usize>,
) -> Result<(), FormatError> {
    let header: Vec<String> = schema.fields().iter().map(|field| printable(field.name())).collect();
    let rows = rows(batches)?;
    let Some(width) = width else { return grid(out, schema, &header, &rows, None) };
    match column_limit(&header, &rows, width) {
        Some(limit) => grid(out, schema, &header, &rows, Some(limit)),
        None => blocks(out, &header, &rows, width),
    }
}

fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, FormatError> {
    let mut rows = Vec::new();
    for batch in batches {
        let texts = as_text(batch)?;
        let mut cells = Cells::new(&texts)?;
        for row in 0..batch.num_rows() {
            let text = |column| cells.text(column, row).map(|text| printable(&text)).unwrap_or_default();
            rows.push((0..batch.num_columns()).map(text).collect());
        }
    }
    Ok(rows)
}

/// The width at which wide columns are cut so that the whole fits; `None` when it cannot fit.
fn column_limit(header: &[String], rows: &[Vec<String>], width: usize) -> Option<usize> {
    let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = cell.chars().count().max(*widest);
        }
    }
    widths.sort_unstable();
    let mut left = width.checked_sub(FRAME_WIDTH * header.len() + 1)?;
    // The narrow columns take what they need, and the wide ones share what is left.
    for (place, wanted) in widths.iter().enumerate() {
        let share = left / (widths.len() - place);
        if *wanted > share {
            return (share >= MIN_COLUMN_WIDTH).then_some(share);
        }
        left -= wanted;
    }
    Some(width)
}

fn grid(
    out: &mut dyn Write,
    schema: &Schema,
    header: &[String],
    rows: &[Vec<String>],
    limit: Option<usize>,
) -> Result<(), FormatError> {
    let cut = |cells: &[String]| -> Vec<String> { cells.iter().map(|cell| shorten(cell, limit)).collect() };
    let mut table = Table::new();
    table.force_no_tty();
    table.load_preset(if limit.is_some() { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING });
    table.set_header(cut(header));
    table.add_rows(rows.iter().map(|row| cut(row)));
    for (place, field) in schema.fields().iter().enumerate() {
        if let Some(column) = table.column_mut(place).filter(|_| field.data_type().is_numeric()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        // Without lines, the padding of the first column would only indent everything.
        let line = if limit.is_none() { line.strip_prefix(' ').unwrap_or(&line) } else { &line };
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn blocks(out: &mut dyn Write, header: &[String], rows: &[Vec<String>], width: usize) -> Result<(), FormatError> {
    let name_width = header.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let limit = Some(width.saturating_sub(name_width + 2).max(MIN_COLUMN_WIDTH));
    for (place, row) in rows.iter().enumerate() {
        let title = format!("── row {} ", place + 1);
        writeln!(out, "{title}{}", "─".repeat(width.saturating_sub(title.chars().count())))?;
        for (name, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            writeln!(out, "{name:>name_width$}  {}", shorten(cell, limit))?;
        }
    }
    Ok(())
}

/// Cuts a text that is longer than `limit` characters, with an ellipsis as the last one.
fn shorten(text: &str, limit: Option<usize>) -> String {
    let Some(limit) = limit else { return text.to_owned() };
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// Replaces what would move the cursor or colour the terminal.
fn printable(text: &str) -> String {
    let is_format =
        |letter: char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || is_format(letter) { '·' } else { letter }).collect()
}
