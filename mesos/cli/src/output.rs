//! Text for people: tables, errors, and colour where somebody looks.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// The status of a program that ended by SIGPIPE, as the shell has it.
pub(crate) const NOBODY_READS: u8 = 128 + 13;

/// Nobody reads the output any more. It is no failure to tell of: whoever closed it knows.
#[derive(Debug)]
pub(crate) struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for Closed {}

/// Tells why a command failed; gives its exit status.
pub(crate) fn failure(failed: &anyhow::Error) -> ExitCode {
    if failed.is::<Closed>() {
        return ExitCode::from(NOBODY_READS);
    }
    error(failed);
    ExitCode::FAILURE
}

/// Prints an error with what caused it.
fn error(error: &anyhow::Error) {
    let label = paint(io::stderr().is_terminal(), "31;1", "error:");
    let mut text = format!("{label} {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!(": {cause}"));
    }
    note(&text);
}

/// Prints a line to the standard error, where notes go that are not output.
pub(crate) fn note(text: &str) {
    // There is nowhere left to say that this failed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a line of output.
///
/// # Errors
///
/// Fails when the output is closed, with [`Closed`] if its reader has gone.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    print(format!("{text}\n").as_bytes())
}

/// Prints bytes of output, at once.
///
/// # Errors
///
/// Fails when the output is closed, with [`Closed`] if its reader has gone.
pub(crate) fn print(bytes: &[u8]) -> anyhow::Result<()> {
    put(&mut io::stdout().lock(), bytes)
}

/// One of the two outputs of this program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Writes bytes to a stream. A reader who takes his time holds up nothing else.
///
/// # Errors
///
/// Fails when the stream is closed, with [`Closed`] if its reader has gone.
pub(crate) async fn write(stream: Stream, bytes: Vec<u8>) -> anyhow::Result<()> {
    let written = tokio::task::spawn_blocking(move || match stream {
        Stream::Out => print(&bytes),
        Stream::Err => put(&mut io::stderr().lock(), &bytes),
    });
    written.await?
}

fn put(stream: &mut impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    stream.write_all(bytes).and_then(|()| stream.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::new(error).context("cannot write the output"),
    })
}

/// `text` in the colour of an escape code, on a terminal that has colours and whose user has not set `NO_COLOR`.
pub(crate) fn paint(terminal: bool, code: &str, text: &str) -> String {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if terminal && wanted && std::env::var_os("TERM").is_none_or(|value| value != "dumb") {
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
