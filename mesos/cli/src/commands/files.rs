//! `mesos ls`, `mesos cat`, `mesos tail`.

use std::io::Write;
use std::time::Duration;

use mesos_api::ContentType;

use crate::args::{Cat, Ls, Tail};
use crate::interrupt::Interrupts;
use crate::output::{plain, table};
use crate::sandbox::Sandbox;

/// How often a file that is followed is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// So much of a file's end is read to find its last lines in.
const TAIL_BYTES_MAX: u64 = 4 << 20;

pub(super) async fn ls(args: Ls) -> anyhow::Result<()> {
    let sandbox = Sandbox::find(&args.place).await?;
    if args.json {
        let mut answer = sandbox.agent().raw(&sandbox.list_call(&args.path), ContentType::Json).await?;
        answer.push(b'\n');
        return Ok(std::io::stdout().write_all(&answer)?);
    }
    let rows: Vec<_> = sandbox
        .list(&args.path)
        .await?
        .into_iter()
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let directory = file.mode() & 0o170_000 == 0o040_000;
            [
                plain(file.uid()),
                file.size().to_string(),
                format!("{}{}", plain(name), if directory { "/" } else { "" }),
            ]
        })
        .collect();
    Ok(std::io::stdout().write_all(table(["USER", "SIZE", "NAME"], &rows).as_bytes())?)
}

pub(super) async fn cat(args: Cat) -> anyhow::Result<()> {
    let sandbox = Sandbox::find(&args.place).await?;
    copy(&sandbox, &args.path, 0).await?;
    Ok(())
}

/// Copies a file from `offset` to its end to the standard output; gives the offset of the end.
async fn copy(sandbox: &Sandbox, path: &str, mut offset: u64) -> anyhow::Result<u64> {
    loop {
        let (data, _) = sandbox.read(path, offset).await?;
        if data.is_empty() {
            return Ok(offset);
        }
        offset += data.len() as u64;
        std::io::stdout().write_all(&data)?;
        std::io::stdout().flush()?;
    }
}

pub(super) async fn tail(args: Tail) -> anyhow::Result<()> {
    if !args.follow {
        return end(&args).await.map(drop);
    }
    // Who follows ends that by Ctrl-C, whatever is under way: it is no failure.
    let mut interrupts = Interrupts::listen()?;
    tokio::select! {
        () = interrupts.next() => Ok(()),
        ended = follow(&args) => ended,
    }
}

/// Prints the last lines of a file; gives where it ended.
async fn end(args: &Tail) -> anyhow::Result<(Sandbox, u64)> {
    let sandbox = Sandbox::find(&args.place).await?;
    let (_, size) = sandbox.read(&args.path, u64::MAX >> 1).await?;
    let mut end = Vec::new();
    let mut offset = size.saturating_sub(TAIL_BYTES_MAX);
    let mut start = offset;
    loop {
        let (data, _) = sandbox.read(&args.path, offset).await?;
        if data.is_empty() {
            break;
        }
        offset += data.len() as u64;
        end.extend(data);
    }
    start += last_lines(&end, args.lines) as u64;
    let offset = copy(&sandbox, &args.path, start).await?;
    Ok((sandbox, offset))
}

/// Prints the last lines of a file, and what is added to it.
async fn follow(args: &Tail) -> anyhow::Result<()> {
    let (sandbox, mut offset) = end(args).await?;
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        let (_, size) = sandbox.read(&args.path, offset).await?;
        if size < offset {
            offset = 0; // The log was rotated.
        }
        offset = copy(&sandbox, &args.path, offset).await?;
    }
}

/// Where the last `lines` lines of a text begin.
fn last_lines(text: &[u8], lines: usize) -> usize {
    if lines == 0 {
        return text.len();
    }
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let breaks = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    breaks.map(|(at, _)| at + 1).nth(lines - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_counted_from_the_end() {
        let check = |text: &str, lines, expected: &str| {
            assert_eq!(&text[last_lines(text.as_bytes(), lines)..], expected, "{text:?} {lines}");
        };
        check("a\nb\nc\n", 2, "b\nc\n");
        check("a\nb\nc", 2, "b\nc");
        check("a\nb\n", 5, "a\nb\n");
        check("a\n", 0, "");
        check("", 3, "");
    }
}
