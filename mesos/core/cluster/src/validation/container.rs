//! Containers: their volumes.

use mesos_api::v1::volume::source::Type as SourceType;
use mesos_api::v1::{ContainerInfo, Volume};

use super::Verdict;

/// Checks a container.
///
/// # Errors
///
/// Says which rule a volume breaks.
pub fn container(container: &ContainerInfo) -> Verdict {
    container
        .volumes
        .iter()
        .try_for_each(|entry| volume(entry).map_err(|error| format!("Invalid volume: {error}")))
}

/// Checks a volume of a container.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn volume(volume: &Volume) -> Verdict {
    let origins = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
    if origins.iter().filter(|set| **set).count() != 1 {
        return Err("Only one of them should be set: 'host_path', 'image' and 'source'".to_owned());
    }
    let Some(source) = &volume.source else { return Ok(()) };
    let (field, name, present) = match source.r#type() {
        SourceType::Unknown => return Err("'source.type' is unknown".to_owned()),
        SourceType::DockerVolume => ("docker_volume", "DOCKER_VOLUME", source.docker_volume.is_some()),
        SourceType::HostPath => ("host_path", "HOST_PATH", source.host_path.is_some()),
        SourceType::SandboxPath => ("sandbox_path", "SANDBOX_PATH", source.sandbox_path.is_some()),
        SourceType::Secret => ("secret", "SECRET", source.secret.is_some()),
    };
    if present { Ok(()) } else { Err(format!("'source.{field}' is not set for {name} volume")) }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::Image;
    use mesos_api::v1::volume::{Source, source};

    use super::*;

    #[test]
    fn volume_has_exactly_one_origin() {
        let host = Volume { host_path: Some("/a".into()), ..Volume::default() };
        assert_eq!(volume(&host), Ok(()));
        assert!(volume(&Volume::default()).is_err());
        assert!(volume(&Volume { image: Some(Image::default()), ..host }).is_err());
    }

    #[test]
    fn source_has_what_its_type_asks_for() {
        let of = |source: Source| Volume { source: Some(source), ..Volume::default() };
        let fine = Source {
            r#type: Some(SourceType::SandboxPath as i32),
            sandbox_path: Some(source::SandboxPath { r#type: None, path: "a".into() }),
            ..Source::default()
        };
        assert_eq!(volume(&of(fine.clone())), Ok(()));
        for r#type in
            [SourceType::DockerVolume, SourceType::HostPath, SourceType::Secret, SourceType::Unknown]
        {
            assert!(volume(&of(Source { r#type: Some(r#type as i32), ..fine.clone() })).is_err());
        }
    }

    #[test]
    fn container_names_the_volume_rule() {
        let container = ContainerInfo { volumes: vec![Volume::default()], ..ContainerInfo::default() };
        assert!(super::container(&container).unwrap_err().starts_with("Invalid volume: "));
    }
}
