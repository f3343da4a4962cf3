//! `mesos version`.

use mesos_api::v1::master;
use serde_json::json;

use crate::api::Api;
use crate::args::Version;
use crate::output::line;

pub(super) async fn version(args: Version) -> anyhow::Result<()> {
    let daemon = match (args.master, args.agent) {
        (Some(address), _) => Some(Api::new("master", " (--master)", address, args.timeout)),
        (None, Some(address)) => Some(Api::new("agent", " (--agent)", address, args.timeout)),
        (None, None) => None,
    };
    let version = match daemon {
        Some(daemon) => {
            // Master and agent give this answer under the same numbers.
            let answer = daemon.call_master(master::call::Type::GetVersion).await?;
            answer.get_version.map(|answer| answer.version_info.version).unwrap_or_default()
        }
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    if args.json {
        line(&json!({ "version": version, "mesos_api": mesos_daemon::version::MESOS_VERSION }).to_string())?;
    } else {
        line(&format!("mesos {}", crate::output::plain(&version)))?;
    }
    Ok(())
}
