//! `mesos api`.

use std::io::IsTerminal;

use anyhow::bail;

/// Prints the descriptors of all messages for programs that make their own types of them.
pub(super) fn descriptors() -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() {
        bail!("a FileDescriptorSet is no text: send it to a file, as in 'mesos api descriptors > mesos.pb'");
    }
    crate::output::print(mesos_api::descriptors())
}
