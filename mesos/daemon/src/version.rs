//! What runs: `/version`.

use libprocess::http::{Request, Response};
use libprocess::{Context, Node, Pid, Process, SpawnError};
use mesos_api::v1::VersionInfo;

/// The version of Mesos whose protocols and behaviour this is, as peers and clients are told.
pub const MESOS_VERSION: &str = "1.5.3";

/// When this was built, in seconds since the epoch.
const BUILD_TIME: &str = env!("MESOS_BUILD_TIME");
const BUILD_USER: &str = env!("MESOS_BUILD_USER");
/// Set in the environment of a build that knows them.
const GIT_SHA: Option<&str> = option_env!("MESOS_GIT_SHA");
const GIT_BRANCH: Option<&str> = option_env!("MESOS_GIT_BRANCH");
const GIT_TAG: Option<&str> = option_env!("MESOS_GIT_TAG");

/// What runs, as GET_VERSION and `/version` tell it.
#[must_use]
pub fn version_info() -> VersionInfo {
    let secs: i64 = BUILD_TIME.parse().unwrap_or(0);
    VersionInfo {
        version: MESOS_VERSION.to_owned(),
        build_date: Some(date(secs)),
        build_time: Some(secs as f64),
        build_user: Some(BUILD_USER.to_owned()),
        git_sha: GIT_SHA.map(str::to_owned),
        git_branch: GIT_BRANCH.map(str::to_owned),
        git_tag: GIT_TAG.map(str::to_owned),
    }
}

/// Seconds since the epoch as `2018-02-08 01:02:03`, in UTC.
fn date(secs: i64) -> String {
    let (days, time) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    // Years that begin in March, so that the leap day is the last; 400 of them have 146097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Answers `/version` on the node; anybody may ask.
///
/// # Errors
///
/// The node answers it already.
pub fn serve(node: &Node) -> Result<Pid<VersionProcess>, SpawnError> {
    node.spawn_as("version", VersionProcess(()))
}

/// The process behind `/version`.
#[derive(Debug)]
pub struct VersionProcess(());

impl Process for VersionProcess {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.serve("", "What version runs here, as JSON.", |request: Request| {
            Response::jsonp(mesos_api::json::to_vec(&version_info()), request.query.get("jsonp"))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_518_051_723, "2018-02-08 01:02:03"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(date(secs), text);
        }
    }

    #[tokio::test]
    async fn anybody_may_ask_what_runs() {
        use libprocess::http::{Client, HeaderMap, Method};

        let node = Node::builder().start().await.unwrap();
        serve(&node).unwrap();
        let url = format!("http://{}/version", node.address());
        let response = Client::new().request(Method::GET, &url, HeaderMap::new(), "").await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&response.bytes(1024).await.unwrap()).unwrap();
        assert_eq!(json["version"], MESOS_VERSION);
        assert!(
            json["build_time"].is_f64() && json["build_date"].is_string() && json["build_user"].is_string()
        );
        node.shutdown().await;
    }

    #[test]
    fn version_can_be_compared() {
        let version: stout::Version = version_info().version.parse().unwrap();
        assert!(version >= stout::Version::new(1, 5, 0));
    }
}
