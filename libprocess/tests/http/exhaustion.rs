//! What becomes of connections when the machine has no more of them to give.

use std::fs::File;
use std::process::Command;

use super::support::Server;

const INSIDE: &str = "LIBPROCESS_TEST_FEW_FILES";

/// Runs in a process of its own, whose files are few and nobody else's.
#[test]
fn connection_is_refused_in_words_when_file_descriptors_run_out() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(run_out());
    }
    let name = "http::exhaustion::connection_is_refused_in_words_when_file_descriptors_run_out";
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 100; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

async fn run_out() {
    let server = Server::start().await;
    let mut kept = server.raw().await;
    kept.assert_kept_open().await;
    let mut files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    for _ in 0..3 {
        // One descriptor for this end of the connection, and none for the other.
        files.pop();
        let mut refused = server.raw().await;
        assert_eq!(refused.answer().await.0.status, "503 Service Unavailable");
        refused.assert_closed().await;
        drop(refused);
        files.push(File::open("/dev/null").unwrap());
    }
    kept.assert_kept_open().await;
    drop(files);
    server.raw().await.assert_kept_open().await;
}
