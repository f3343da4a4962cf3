//! The processes of this machine as `/proc` shows them, and signals to whole families of them.
//!
//! ```
//! use stout::proc;
//!
//! let me = proc::stat(std::process::id())?.expect("this process runs");
//! let all = proc::snapshot()?;
//! assert!(all.iter().any(|process| process.pid == me.pid));
//! assert!(proc::family(&all, me.pid, &[]).is_empty(), "this process has no children");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Passes over `/proc` before a family that keeps growing is signalled as it is.
const FREEZE_PASSES_MAX: usize = 10;

/// One process at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// Its id.
    pub pid: u32,
    /// The id of its parent.
    pub ppid: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Its state as one letter, `Z` for a process that has ended and was not waited for.
    pub state: char,
    /// Time spent in its own code, in clock ticks.
    pub user_ticks: u64,
    /// Time the kernel spent for it, in clock ticks.
    pub system_ticks: u64,
    /// The same two of its children that have ended and were waited for.
    pub children_ticks: (u64, u64),
    /// Its threads.
    pub threads: u32,
    /// When it started, in clock ticks since the machine did. Tells it from a later process with
    /// the same id.
    pub start_ticks: u64,
    /// Memory that is present, in pages.
    pub resident_pages: u64,
}

impl Stat {
    /// Whether the process has ended, and only its parent's wait is missing.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Reads the one line of `/proc/<pid>/stat`.
    fn parse(line: &str) -> Option<Self> {
        // The name is in parentheses and may hold anything, parentheses too.
        let (head, tail) = line.rsplit_once(')')?;
        let pid = head.split(' ').next()?.parse().ok()?;
        let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
        // proc(5) counts from one, and `tail` begins with the third field.
        let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
        let number = |field_number: usize| field(field_number)?.parse::<u64>().ok();
        let id = |field_number: usize| field(field_number)?.parse::<i64>().ok().map(|id| id.max(0) as u32);
        // Times of children are signed in the kernel's own format.
        let ticks = |field_number: usize| Some(field(field_number)?.parse::<i64>().ok()?.max(0) as u64);
        Some(Self {
            pid,
            state: field(3)?.chars().next()?,
            ppid: id(4)?,
            group: id(5)?,
            session: id(6)?,
            user_ticks: number(14)?,
            system_ticks: number(15)?,
            children_ticks: (ticks(16)?, ticks(17)?),
            threads: id(20)?,
            start_ticks: number(22)?,
            resident_pages: ticks(24)?,
        })
    }
}

/// A process, or `None` if there is none of this id.
///
/// # Errors
///
/// `/proc` cannot be read or is not what it should be.
pub fn stat(pid: u32) -> io::Result<Option<Stat>> {
    let path = format!("/proc/{pid}/stat");
    match fs::read(&path) {
        Ok(line) => match Stat::parse(&String::from_utf8_lossy(&line)) {
            Some(stat) => Ok(Some(stat)),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, format!("failed to parse {path}"))),
        },
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A process that vanishes between the opening and the reading of its file gives `ESRCH`.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}

/// All processes that can be seen.
///
/// # Errors
///
/// `/proc` cannot be read.
pub fn snapshot() -> io::Result<Vec<Stat>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ended meanwhile, or is hidden from us, is as good as none.
        if let Ok(Some(stat)) = stat(pid) {
            processes.push(stat);
        }
    }
    Ok(processes)
}

/// Whom `root` has brought into the world, as far as that can still be told: its descendants, the
/// members of the sessions and groups that `leaders` or any of them lead or led, and their
/// descendants. Neither `root` itself nor the calling process is among them.
#[must_use]
pub fn family(processes: &[Stat], root: u32, leaders: &[u32]) -> BTreeSet<u32> {
    let me = std::process::id();
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for process in processes {
            let known = |id: &u32| found.contains(id);
            let belongs = process.ppid == root
                || leaders.contains(&process.session)
                || leaders.contains(&process.group)
                || known(&process.ppid)
                || known(&process.session)
                || known(&process.group);
            if belongs && process.pid != root && process.pid != me && process.pid > 1 {
                found.insert(process.pid);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// What became of a signal to a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signalled {
    /// Processes that got it.
    pub sent: usize,
    /// Processes that we may not signal.
    pub refused: usize,
}

/// Sends `signal` to the [`family`] of `root`, which is stopped first so that none of it escapes
/// by forking, and goes on afterwards.
///
/// # Errors
///
/// `/proc` cannot be read.
pub fn signal_family(root: u32, leaders: &[u32], signal: Signal) -> io::Result<Signalled> {
    let mut members = BTreeSet::new();
    for _ in 0..FREEZE_PASSES_MAX {
        let processes = snapshot()?;
        let now = family(&processes, root, leaders);
        let live = |pid: &u32| processes.iter().any(|process| process.pid == *pid && !process.has_ended());
        let new: Vec<u32> = now.into_iter().filter(|pid| !members.contains(pid) && live(pid)).collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            // Refusals are counted below, with the signal itself.
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGSTOP);
            members.insert(pid);
        }
    }
    let mut result = Signalled::default();
    for &pid in &members {
        match kill(Pid::from_raw(pid as i32), signal) {
            Ok(()) => result.sent += 1,
            Err(nix::errno::Errno::ESRCH) => {}
            Err(_) => result.refused += 1,
        }
    }
    if signal != Signal::SIGSTOP && signal != Signal::SIGKILL {
        for &pid in &members {
            let _ = kill(Pid::from_raw(pid as i32), Signal::SIGCONT);
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_obstacle() {
        let line = "42 (a) b (c)) S 1 40 39 0 -1 4194560 1 2 3 4 50 60 -1 80 20 0 3 0 777 1000 99 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pid, stat.state, stat.ppid, stat.group, stat.session), (42, 'S', 1, 40, 39));
        assert_eq!((stat.user_ticks, stat.system_ticks, stat.children_ticks), (50, 60, (0, 80)));
        assert_eq!((stat.threads, stat.start_ticks, stat.resident_pages), (3, 777, 99));
        assert_eq!(Stat::parse("42 (a) S"), None);
        assert_eq!(Stat::parse(""), None);
    }

    fn process(pid: u32, ppid: u32, group: u32, session: u32) -> Stat {
        let line = format!("{pid} (x) S {ppid} {group} {session} 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0");
        Stat::parse(&line).unwrap()
    }

    #[test]
    fn family_holds_descendants_and_sessions_that_they_lead() {
        let processes = [
            process(10, 5, 10, 10), // the root
            process(11, 10, 11, 11),
            process(12, 11, 11, 11),
            process(13, 1, 11, 11), // lost its parent
            process(14, 13, 14, 14),
            process(15, 1, 99, 99), // in a session that the caller knows of
            process(20, 5, 10, 10), // in the root's own session, but no descendant
            process(21, 1, 21, 21),
            process(22, 1, 98, 10), // in a group that the caller knows of
        ];
        assert_eq!(family(&processes, 10, &[]), [11, 12, 13, 14].into());
        assert_eq!(family(&processes, 10, &[99]), [11, 12, 13, 14, 15].into());
        assert_eq!(family(&processes, 10, &[98]), [11, 12, 13, 14, 22].into());
        assert_eq!(family(&processes, 12, &[]), BTreeSet::new());
    }

    /// A shell with two children, one of them in another session.
    fn shell() -> Child {
        let script = "sleep 600 & setsid sleep 600 & echo ready; wait";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        child
    }

    #[test]
    fn killed_family_is_gone_and_its_root_is_not() {
        let mut child = shell();
        // setsid may not have executed sleep yet; it is a child all the same.
        let members = family(&snapshot().unwrap(), child.id(), &[]);
        assert_eq!(members.len(), 2, "{members:?}");
        assert_eq!(
            signal_family(child.id(), &[], Signal::SIGKILL).unwrap(),
            Signalled { sent: 2, refused: 0 }
        );
        assert!(child.wait().unwrap().success(), "the shell outlives its children");
        assert_eq!(stat(child.id()).unwrap(), None);
    }

    #[test]
    fn terminated_family_goes_on_to_end() {
        let mut child = shell();
        signal_family(child.id(), &[], Signal::SIGTERM).unwrap();
        child.wait().unwrap();
    }
}
