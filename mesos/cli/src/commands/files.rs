//! `mesos ls`, `mesos cat`, `mesos tail`.

use mesos_api::ContentType;
use mesos_api::v1::{FileInfo, agent};
use tokio::sync::watch;

use crate::api::NotFound;
use crate::args::{Cat, Ls, Tail};
use crate::follow::{Follower, Piece};
use crate::interrupt::Interrupts;
use crate::output::{Stream, note, plain, print, table, write};
use crate::sandbox::{Sandbox, is_directory};

/// So much of a file is read at a time to find its last lines in.
const BLOCK_BYTES: u64 = 1 << 20;

pub(super) async fn ls(args: Ls) -> anyhow::Result<()> {
    let sandbox = Sandbox::find(&args.place).await?;
    let mut files = sandbox.list(&args.path).await.map_err(|error| named(error, &args.path))?;
    // A file has no entries, as an empty directory has none.
    let file = if files.is_empty() { sandbox.file(&args.path).await? } else { None };
    if args.json {
        let mut answer = match file {
            Some(file) => ContentType::Json.encode(&list_answer(file)),
            None => sandbox.agent().raw(&sandbox.list_call(&args.path), ContentType::Json).await?,
        };
        answer.push(b'\n');
        return print(&answer);
    }
    files.extend(file);
    let rows: Vec<_> = files
        .into_iter()
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            [
                plain(file.uid()),
                file.size().to_string(),
                format!("{}{}", plain(name), if is_directory(&file) { "/" } else { "" }),
            ]
        })
        .collect();
    print(table(["USER", "SIZE", "NAME"], &rows).as_bytes())
}

/// What an agent would answer that lists files.
fn list_answer(file: FileInfo) -> agent::Response {
    let list_files = agent::response::ListFiles { file_infos: vec![file] };
    agent::Response {
        r#type: Some(agent::response::Type::ListFiles as i32),
        list_files: Some(list_files),
        ..Default::default()
    }
}

pub(super) async fn cat(args: Cat) -> anyhow::Result<()> {
    let sandbox = Sandbox::find(&args.place).await?;
    let mut file = sandbox.download(&args.path).await.map_err(|error| named(error, &args.path))?;
    while let Some(data) = sandbox.agent().chunk(&mut file).await? {
        write(Stream::Out, data).await?;
    }
    Ok(())
}

pub(super) async fn tail(args: Tail) -> anyhow::Result<()> {
    if !args.follow {
        let sandbox = Sandbox::find(&args.place).await?;
        let (mut offset, end) = last_lines_of(&sandbox, &args.path, args.lines).await?;
        while offset < end {
            let (data, _) = sandbox.read_ahead(&args.path, offset, BLOCK_BYTES.min(end - offset)).await?;
            if data.is_empty() {
                break;
            }
            offset += data.len() as u64;
            write(Stream::Out, data).await?;
        }
        return Ok(());
    }
    // Who follows ends that by Ctrl-C, whatever is under way: it is no failure.
    let mut interrupts = Interrupts::listen()?;
    tokio::select! {
        () = interrupts.next() => Ok(()),
        ended = follow(&args) => ended,
    }
}

/// Prints the last lines of a file, and what is added to it.
async fn follow(args: &Tail) -> anyhow::Result<()> {
    let sandbox = Sandbox::find(&args.place).await?;
    let (_never, over) = watch::channel(false);
    let mut follower = Follower::start(sandbox.clone(), &args.path, false, over).await?;
    let (offset, _) = last_lines_of(&sandbox, &args.path, args.lines).await?;
    follower.seek(offset);
    while let Some(piece) = follower.next().await? {
        match piece {
            Piece::Data(data) => write(Stream::Out, data).await?,
            Piece::Lost(loss) => note(&loss.warning(&args.path)),
        }
    }
    Ok(())
}

/// Where the last lines of a file begin, and where they end now.
async fn last_lines_of(sandbox: &Sandbox, path: &str, lines: usize) -> anyhow::Result<(u64, u64)> {
    let sized = sandbox.read(path, u64::MAX >> 1).await;
    let (_, end) = sized.map_err(|error| named(error, path))?;
    let (mut begin, mut wanted) = (end, lines);
    while begin > 0 && wanted > 0 {
        let start = begin.saturating_sub(BLOCK_BYTES);
        let (mut block, _) = sandbox.read_ahead(path, start, begin - start).await?;
        block.truncate((begin - start) as usize);
        // The break at the very end ends the last line, and begins none.
        let body = if begin == end { block.strip_suffix(b"\n").unwrap_or(&block) } else { &block };
        match last_breaks(body, wanted) {
            Ok(at) => return Ok((start + at as u64, end)),
            Err(found) => wanted -= found,
        }
        begin = start;
    }
    Ok((begin, end))
}

/// Where what follows the last so many line breaks of a text begins, or how many it has.
fn last_breaks(text: &[u8], count: usize) -> Result<usize, usize> {
    let breaks = text.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    let mut found = 0;
    for (at, _) in breaks {
        found += 1;
        if found == count {
            return Ok(at + 1);
        }
    }
    Err(found)
}

/// The error, with the file that it is about where it is that there is none.
fn named(error: anyhow::Error, path: &str) -> anyhow::Error {
    if error.is::<NotFound>() {
        return error
            .context(format!("there is no '{path}' in the sandbox: 'mesos ls TASK' lists what there is"));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_counted_from_the_end() {
        assert_eq!(last_breaks(b"a\nb\nc", 2), Ok(2));
        assert_eq!(last_breaks(b"a\nb\nc", 1), Ok(4));
        assert_eq!(last_breaks(b"a\nb\nc", 3), Err(2));
        assert_eq!(last_breaks(b"", 1), Err(0));
    }
}
