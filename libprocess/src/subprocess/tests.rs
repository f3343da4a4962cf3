use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::FutureError;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn status_tells_exit_codes_and_signals_to_all_who_wait() {
    let program = Subprocess::spawn(shell("exit 3")).unwrap();
    let (one, other) = (program.status(), program.status());
    assert_eq!(one.await.unwrap().code(), Some(3));
    assert_eq!(other.await.unwrap().code(), Some(3));
    assert_eq!(program.status().await.unwrap().code(), Some(3));
    assert!(!program.signal(TERMINATE).unwrap());

    let program = Subprocess::spawn(shell("kill -USR1 $$")).unwrap();
    let status = program.status().await.unwrap();
    assert_eq!(status.signal(), Some(nix::sys::signal::Signal::SIGUSR1 as i32));
}

#[tokio::test]
async fn streams_are_piped_and_files_of_this_program_are_not_handed_down() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = shell("cat; echo \"$GREETING\" >&2; ls -l /proc/self/fd >&2");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_clear().env("GREETING", "hello").env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut program = Subprocess::spawn(command).unwrap();
    let mut stdin = program.take_stdin().unwrap();
    assert!(program.take_stdin().is_none());
    stdin.write_all(b"through").await.unwrap();
    drop(stdin);
    let (mut out, mut err) = (String::new(), String::new());
    program.take_stdout().unwrap().read_to_string(&mut out).await.unwrap();
    program.take_stderr().unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!(out, "through");
    assert!(err.starts_with("hello\n") && err.contains("/proc/"), "{err}");
    assert!(!err.contains(file.path().to_str().unwrap()), "{err}");
    assert!(program.status().await.unwrap().success());
}

#[tokio::test]
async fn discarded_status_ends_when_the_whole_group_is_killed() {
    let mut command = shell("trap '' TERM; sleep 1000 & echo ready; wait");
    command.stdout(Stdio::piped());
    let mut program = Subprocess::spawn_group(command).unwrap();
    let mut stdout = program.take_stdout().unwrap();
    let mut ready = [0; 6];
    stdout.read_exact(&mut ready).await.unwrap();
    let (status, other) = (program.status(), program.status());
    status.discard();
    assert_eq!(status.await, Err(FutureError::Discarded));
    assert_eq!(other.await.unwrap().signal(), Some(KILL));
    // The pipe ends when the last one that has it is gone.
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn signal_reaches_the_program() {
    let mut command = shell("trap 'exit 7' TERM; echo ready; while :; do read line; done");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = Subprocess::spawn(command).unwrap();
    let mut ready = [0; 6];
    program.take_stdout().unwrap().read_exact(&mut ready).await.unwrap();
    let error = program.signal(-1).unwrap_err();
    assert_eq!(error.to_string(), format!("failed to send signal -1 to process {}", program.id()));
    assert!(program.signal(TERMINATE).unwrap());
    assert_eq!(program.status().await.unwrap().code(), Some(7));
}

#[tokio::test]
async fn program_that_nobody_waits_for_is_reaped() {
    let program = Subprocess::spawn(shell("exit 0")).unwrap();
    let (shared, id) = (Arc::downgrade(&program.shared), program.id());
    drop(program);
    // The task that reaps it is the last to hold it.
    while shared.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(id).unwrap());
    assert_eq!(nix::sys::wait::waitpid(pid, None), Err(nix::Error::ECHILD));
}

#[tokio::test]
async fn many_programs_end_side_by_side() {
    let programs: Vec<_> =
        (0..50).map(|code| Subprocess::spawn(shell(&format!("exit {code}"))).unwrap()).collect();
    let statuses = crate::collect(programs.iter().map(Subprocess::status)).await.unwrap();
    assert!(statuses.into_iter().map(|status| status.code()).eq((0..50).map(Some)));
}

#[test]
fn errors_say_what_was_tried() {
    let error = Subprocess::spawn(shell("exit 0")).unwrap_err();
    assert_eq!(error.to_string(), "failed to start 'sh'");
    assert!(error.io_error().is_none());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async { Subprocess::spawn(Command::new("/no/such/program")).unwrap_err() });
    assert_eq!(error.to_string(), "failed to start '/no/such/program'");
    assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::NotFound));
}
