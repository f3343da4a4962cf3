use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::*;

/// A directory to unpack into, inside of one that must stay as it is.
struct Place {
    outer: TempDir,
    directory: PathBuf,
}

impl Place {
    fn new() -> Self {
        let outer = TempDir::new().unwrap();
        let directory = outer.path().join("sandbox");
        fs::create_dir(&directory).unwrap();
        Self { outer, directory }
    }

    fn extract(&self, name: &str, content: &[u8]) -> Result<(), ArchiveError> {
        let archive = self.outer.path().join(name);
        fs::write(&archive, content).unwrap();
        let kind = Kind::of(&archive).unwrap();
        let result = extract(kind, &archive, &self.directory, ArchiveLimits::default());
        fs::remove_file(archive).unwrap();
        result
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap()
    }

    /// What lies beside the directory.
    fn strays(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.outer.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| *path != self.directory).collect()
    }
}

#[derive(Debug, Clone)]
enum Entry {
    File(Vec<u8>, &'static str),
    Directory(Vec<u8>),
    Symlink(Vec<u8>, Vec<u8>),
    HardLink(Vec<u8>, Vec<u8>),
    Device(Vec<u8>),
}

/// A tar archive with names exactly as given, however bad.
fn tarball(entries: &[Entry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let (kind, name, target, content) = match entry {
            Entry::File(name, content) => (tar::EntryType::Regular, name, None, *content),
            Entry::Directory(name) => (tar::EntryType::Directory, name, None, ""),
            Entry::Symlink(name, target) => (tar::EntryType::Symlink, name, Some(target), ""),
            Entry::HardLink(name, target) => (tar::EntryType::Link, name, Some(target), ""),
            Entry::Device(name) => (tar::EntryType::Char, name, None, ""),
        };
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        if let Some(target) = target {
            header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target);
        }
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o4755);
        header.set_mtime(1_000_000_000);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn sample() -> Vec<u8> {
    tarball(&[
        Entry::Directory(b"bin/".into()),
        Entry::File(b"./bin/run".into(), "#!/bin/sh\n"),
        Entry::File(b"deep/er/file".into(), "deep"),
        Entry::Symlink(b"link".into(), b"bin/run".into()),
        Entry::HardLink(b"hard".into(), b"deep/er/file".into()),
        Entry::Symlink(b"python".into(), b"/usr/bin/python3".into()),
    ])
}

fn check_sample(place: &Place) {
    assert_eq!(place.read("bin/run"), "#!/bin/sh\n");
    assert_eq!(place.read("link"), "#!/bin/sh\n");
    assert_eq!(place.read("hard"), "deep");
    let mode = place.directory.join("bin/run").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert!(place.directory.join("python").symlink_metadata().unwrap().is_symlink());
    assert!(place.strays().is_empty());
}

#[test]
fn kinds_go_by_the_ending() {
    for (name, expected) in [
        ("a.tar", Some(Kind::Tar(Compression::None))),
        ("a.tar.gz", Some(Kind::Tar(Compression::Gzip))),
        ("a.tgz", Some(Kind::Tar(Compression::Gzip))),
        ("a.tbz2", Some(Kind::Tar(Compression::Bzip2))),
        ("a.tar.xz", Some(Kind::Tar(Compression::Xz))),
        ("a.gz", Some(Kind::Gzip)),
        ("a.zip", Some(Kind::Zip)),
        ("a.TAR", None),
        ("a.jar", None),
        ("tar", None),
    ] {
        assert_eq!(Kind::of(Path::new(name)), expected, "{name}");
    }
}

#[test]
fn tarballs_of_every_compression_are_unpacked() {
    let plain = sample();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&plain).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&plain).unwrap();
    for (name, content) in [
        ("a.tar", plain),
        ("a.tgz", gzip.finish().unwrap()),
        ("a.tar.bz2", bzip2.finish().unwrap()),
        ("a.txz", xz.finish().unwrap()),
    ] {
        let place = Place::new();
        place.extract(name, &content).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_sample(&place);
    }
}

#[test]
fn gzip_alone_gives_one_file() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"text").unwrap();
    let place = Place::new();
    place.extract("notes.txt.gz", &gzip.finish().unwrap()).unwrap();
    assert_eq!(place.read("notes.txt"), "text");
}

fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn zip_is_unpacked() {
    let place = Place::new();
    place.extract("a.zip", &zip_of(&[("run", "#!"), ("d/e/f", "deep")])).unwrap();
    assert_eq!((place.read("run").as_str(), place.read("d/e/f").as_str()), ("#!", "deep"));
    let mode = place.directory.join("run").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn unpacking_again_replaces_files() {
    let place = Place::new();
    place.extract("a.tar", &sample()).unwrap();
    place.extract("a.tar", &sample()).unwrap();
    check_sample(&place);
}

#[test]
fn what_leads_outside_is_refused_by_name() {
    for (entries, problem) in [
        (vec![Entry::File(b"../x".into(), "x")], "climbs out"),
        (vec![Entry::File(b"a/../../x".into(), "x")], "climbs out"),
        (vec![Entry::File(b"/tmp/x".into(), "x")], "absolute"),
        (vec![Entry::Symlink(b"d".into(), b"..".into()), Entry::File(b"d/x".into(), "x")], "symbolic link"),
        (vec![Entry::Symlink(b"d".into(), b"/tmp".into()), Entry::Directory(b"d/x".into())], "symbolic link"),
        (vec![Entry::HardLink(b"x".into(), b"../secret".into())], "climbs out"),
        (vec![Entry::HardLink(b"x".into(), b"missing".into())], "does not hold"),
        (vec![Entry::Device(b"null".into())], "device node"),
    ] {
        let place = Place::new();
        let error = place.extract("a.tar", &tarball(&entries)).unwrap_err().to_string();
        assert!(error.starts_with("refused entry '") && error.contains(problem), "{entries:?}: {error}");
        assert!(place.strays().is_empty());
    }
    let place = Place::new();
    let error = place.extract("a.zip", &zip_of(&[("../x", "x")])).unwrap_err().to_string();
    assert!(error.contains("climbs out"), "{error}");
}

#[test]
fn link_that_was_unpacked_is_replaced_not_followed() {
    let place = Place::new();
    let victim = place.outer.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let target = victim.as_os_str().as_encoded_bytes().to_vec();
    let entries = [Entry::Symlink(b"x".into(), target), Entry::File(b"x".into(), "evil")];
    place.extract("a.tar", &tarball(&entries)).unwrap();
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    assert_eq!(place.read("x"), "evil");
}

#[test]
fn link_inside_may_be_walked_through() {
    let place = Place::new();
    fs::create_dir(place.directory.join("lib64")).unwrap();
    symlink("lib64", place.directory.join("lib")).unwrap();
    place.extract("a.tar", &tarball(&[Entry::File(b"lib/x".into(), "x")])).unwrap();
    assert_eq!(place.read("lib64/x"), "x");
}

#[test]
fn damaged_archives_are_errors() {
    for name in ["a.tar", "a.tgz", "a.tbz2", "a.txz", "a.gz", "a.zip"] {
        let place = Place::new();
        let error = place.extract(name, &[b'x'; 2000]).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged(_)), "{name}: {error}");
    }
}

#[test]
fn archive_beyond_the_limits_is_an_error() {
    let place = Place::new();
    let archive = place.outer.path().join("a.tar");
    File::create(&archive).unwrap().write_all(&sample()).unwrap();
    let check = |entries_max, bytes_max, text: &str| {
        let limits = ArchiveLimits { entries_max, bytes_max };
        let error = extract(Kind::Tar(Compression::None), &archive, &place.directory, limits)
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("the archive holds more than {text}"));
    };
    check(3, 1000, "3 entries");
    check(100, 12, "12 bytes");
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![Just(".."), Just("."), Just("a"), Just("b"), Just("link"), Just(""), Just("/")];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/").into_bytes())
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        name().prop_map(|name| Entry::File(name, "content")),
        name().prop_map(Entry::Directory),
        (name(), name()).prop_map(|(name, target)| Entry::Symlink(name, target)),
        (name(), name()).prop_map(|(name, target)| Entry::HardLink(name, target)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever the archive, nothing appears or changes beside the directory.
    #[test]
    fn no_archive_reaches_outside(entries in prop::collection::vec(entry(), 1..8)) {
        let place = Place::new();
        let neighbour = place.outer.path().join("a");
        fs::create_dir(&neighbour).unwrap();
        fs::write(neighbour.join("b"), "precious").unwrap();
        // Refused or not, the check is the same.
        let _ = place.extract("x.tar", &tarball(&entries));
        prop_assert_eq!(place.strays(), vec![neighbour.clone()]);
        let inside: Vec<_> = fs::read_dir(&neighbour).unwrap().map(|e| e.unwrap().file_name()).collect();
        prop_assert_eq!(inside, vec![std::ffi::OsString::from("b")]);
        prop_assert_eq!(fs::read_to_string(neighbour.join("b")).unwrap(), "precious");
        prop_assert_eq!(fs::metadata(neighbour.join("b")).unwrap().permissions().mode() & 0o7000, 0);
    }
}
