//! Files of this machine.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::FetchError;
use crate::fetch::blocking;
use crate::item::Item;

/// Copies a file with its mode, without set-user-id, set-group-id and sticky bits.
pub(crate) async fn copy(item: &Item, from: &Path, to: &Path) -> Result<(), FetchError> {
    let paths = (from.to_owned(), to.to_owned());
    blocking(move || copy_file(&paths.0, &paths.1)).await.map_err(|cause| FetchError::Copy {
        uri: item.uri.clone(),
        from: from.to_owned(),
        to: to.to_owned(),
        cause,
    })
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    // Looked at before it is opened: opening a pipe would wait for its other end.
    if !from.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut source = File::open(from)?;
    let mode = source.metadata()?.permissions().mode() & 0o777;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut source, &mut target)?;
    target.set_permissions(Permissions::from_mode(mode | 0o400))
}
