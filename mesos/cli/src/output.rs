//! Text for people: tables, errors, and colour where somebody looks.

use std::io::{IsTerminal, Write};

/// Prints an error with what caused it.
pub(crate) fn error(error: &anyhow::Error) {
    let label = paint(std::io::stderr().is_terminal(), "31;1", "error:");
    let mut text = format!("{label} {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!(": {cause}"));
    }
    note(&text);
}

/// Prints a line to the standard error, where notes go that are not output.
pub(crate) fn note(text: &str) {
    // There is nowhere left to say that this failed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a line of output.
///
/// # Errors
///
/// Fails when the output is closed.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

/// `text` in the colour of an escape code, on a terminal.
pub(crate) fn paint(terminal: bool, code: &str, text: &str) -> String {
    if terminal && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Rows under a header, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut put = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    put(header);
    for row in rows {
        put(row.each_ref().map(String::as_str));
    }
    text
}

/// A text from elsewhere, safe to print on one line of a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".into(), "TASK_RUNNING".into()], ["longer".into(), "x".into()]];
        assert_eq!(table(["ID", "STATE"], &rows), "ID      STATE\na       TASK_RUNNING\nlonger  x\n");
    }

    #[test]
    fn escapes_of_others_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
    }
}
