//! What cleans up when the tests are killed.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Reads directories until the tests are gone; then ends what was started in those that are still there, as their
/// owners do when they get to it, and removes them.
const SCRIPT: &str = r#"
directories=
while read -r directory; do directories="$directories $directory"; done
for directory in $directories; do
    [ -d "$directory" ] || continue
    for process in /proc/[0-9]*; do
        if grep -qsa -e "$directory" "$process/environ" "$process/cmdline"; then kill -9 "${process#/proc/}"; fi
    done
    umount --lazy "$directory/disk"
    rm -rf "$directory"
done
"#;

/// Sees to it that a directory is gone when the tests are.
pub(crate) fn watch(directory: &Path) {
    static WATCHDOG: LazyLock<Mutex<Child>> = LazyLock::new(|| {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What interrupts the tests is not to interrupt it.
        Mutex::new(command.process_group(0).spawn().expect("a shell starts"))
    });
    let mut child = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = child.stdin.as_mut().expect("a pipe");
    writeln!(pipe, "{}", directory.display()).expect("the watchdog reads");
}
