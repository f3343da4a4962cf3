//! `mesos api`.

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, bail};

/// Prints the descriptors of all messages for programs that make their own types of them.
pub(super) fn descriptors() -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        bail!("a FileDescriptorSet is no text: send it to a file, as in 'mesos api descriptors > mesos.pb'");
    }
    stdout.write_all(mesos_api::descriptors()).context("cannot write the descriptors")
}
