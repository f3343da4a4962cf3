use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::Bytes;

crate::flags! {
    /// Shared.
    struct Logging {
        "Logging" {
            /// Which messages to write.
            #[flag(check(one_of(&["INFO", "WARNING"])))]
            logging_level: String = String::from("INFO"),
            /// Write nothing to the terminal.
            quiet: bool,
        }
    }
}

crate::flags! {
    /// All kinds.
    struct Everything {
        use logging: Logging;

        "Network" {
            /// Port to listen on.
            port: u16 = 5050,
            /// Address to listen on.
            ip: Option<std::net::IpAddr>,
        }
        "Agents" {
            /// How long to wait for agents.
            ///
            /// The second paragraph | has a bar.
            #[flag(deprecated("slave_timeout"), alias("timeout"), check(at_least(Duration::from_mins(10))))]
            agent_timeout: Duration = Duration::from_mins(10),
            /// Who may do what.
            acls: Option<serde_json::Value>,
            /// Where the leader is.
            #[flag(file)]
            master: Option<String>,
            /// Where files go.
            #[flag(required)]
            work_dir: PathBuf,
            /// Whether to guess.
            guess: Option<bool>,
            /// How much to keep.
            cache: Bytes = Bytes::gigabytes(2),
            /// What share to keep free.
            #[flag(check(within(0.0..=1.0)))]
            headroom: f64 = 0.1,
            /// Which roles there are.
            roles: Vec<String>,
        }
    }
}

fn parse(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(Everything, Vec<String>), Vec<String>> {
    let parser = Parser::new("test", "Tests.").environment_from("MESOS_", environment.iter().copied());
    match parser.parse(arguments.iter().copied()) {
        Ok(Parsed::Flags { flags, warnings }) => Ok((flags, warnings)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.problems().to_vec()),
    }
}

/// Flags from arguments to which the required ones are added.
fn flags(arguments: &[&str]) -> Everything {
    let mut arguments = arguments.to_vec();
    arguments.push("--work_dir=/w");
    parse(&arguments, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

fn problem(arguments: &[&str]) -> String {
    let mut arguments = arguments.to_vec();
    arguments.push("--work_dir=/w");
    let problems = parse(&arguments, &[]).expect_err("the arguments are wrong");
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].clone()
}

#[test]
fn every_form_of_the_command_line_is_read() {
    for arguments in [&["--port=6000"][..], &["--port", "6000"], &["--PORT=6000"]] {
        assert_eq!(flags(arguments).port, 6000);
    }
    for arguments in [&["--agent-timeout=1hrs"][..], &["--agent_timeout", "1hrs"], &["--timeout=1hrs"]] {
        assert_eq!(flags(arguments).agent_timeout, Duration::from_hours(1));
    }
    for (argument, quiet) in [
        ("--quiet", true),
        ("--no-quiet", false),
        ("--no_quiet", false),
        ("--quiet=false", false),
        ("--quiet=1", true),
        ("--quiet=", true),
    ] {
        assert_eq!(flags(&[argument]).logging.quiet, quiet, "{argument}");
    }
    assert_eq!(flags(&["--no-guess"]).guess, Some(false));
    assert_eq!(flags(&["--roles=a, b,"]).roles, ["a", "b"]);
    assert_eq!(flags(&["--master=a=b"]).master.as_deref(), Some("a=b"));
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let environment =
        [("MESOS_PORT", "6000"), ("MESOS_WORK_DIR", "/e"), ("MESOS_UNKNOWN", "x"), ("PORT", "1")];
    assert_eq!(parse(&[], &environment).unwrap().0.port, 6000);
    let (flags, _) = parse(&["--port=6001"], &environment).unwrap();
    assert_eq!((flags.port, flags.work_dir), (6001, PathBuf::from("/e")));
}

#[test]
fn old_names_work_with_a_warning_and_not_beside_the_new_one() {
    let (flags, warnings) = parse(&["--slave_timeout=1hrs", "--work_dir=/w"], &[]).unwrap();
    assert_eq!(flags.agent_timeout, Duration::from_hours(1));
    assert!(
        warnings[0].contains("--slave_timeout") && warnings[0].contains("--agent_timeout"),
        "{warnings:?}"
    );
    let both = problem(&["--slave_timeout=1hrs", "--agent_timeout=2hrs"]);
    assert!(both.contains("same flag"), "{both}");
    assert!(problem(&["--port=1", "--port=2"]).contains("twice"));
}

#[test]
fn problems_are_told_all_at_once_with_the_name_that_was_used() {
    let problems = parse(&["--prot=1", "--quiet=maybe", "stray"], &[("MESOS_PORT", "70000")]).unwrap_err();
    let text = problems.join("\n");
    for part in ["did you mean '--port'", "'maybe' is not a boolean", "'stray'", "MESOS_PORT", "--work_dir"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(problems.len(), 5);
}

#[test]
fn wrong_arguments_are_refused() {
    for (arguments, part) in [
        (&["--port"][..], "needs a value"),
        (&["--port", "--quiet"], "needs a value"),
        (&["--no-port"], "'--port' is not a boolean"),
        (&["--no-quiet=true"], "takes no value"),
        (&["--xyzzy_plugh=1"], "--help lists"),
        (&["--xyzzy_plugh", "1"], "--help lists"),
        (&["--agent_timeout=9mins"], "less than 10mins"),
        (&["--headroom=1.5"], "not within 0 and 1"),
        (&["--headroom=NaN"], "not a number"),
        (&["--logging_level=LOUD"], "not one of INFO, WARNING"),
        (&["--acls={"], "not valid JSON"),
        (&["--acls=/does/not/exist"], "/does/not/exist"),
        (&["--ip=localhost"], "not an IP address"),
        (&["--cache=2"], "unit is missing"),
        (&["--"], "not a flag"),
    ] {
        let problem = problem(arguments);
        assert!(problem.contains(part), "{arguments:?}: {problem}");
    }
}

#[test]
fn values_are_read_from_files_where_that_is_declared() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("value");
    std::fs::write(&path, "{\"a\": 1}\n").unwrap();
    let (path, uri) = (path.display().to_string(), format!("file://{}", path.display()));
    let by_path = flags(&[&format!("--acls={path}"), &format!("--master={path}")]);
    let by_uri = flags(&[&format!("--acls={uri}"), &format!("--master={uri}")]);
    for flags in [by_path, by_uri] {
        assert_eq!(flags.acls.unwrap()["a"], 1);
        assert_eq!(flags.master.as_deref(), Some("{\"a\": 1}"));
    }
    let (flags, _) = parse(&[&format!("--work_dir={uri}")], &[]).unwrap();
    assert_eq!(flags.work_dir, PathBuf::from(path));
}

#[test]
fn help_shows_every_flag_with_its_default_in_its_group() {
    let Ok(Parsed::Help(text)) = Parser::new("test", "Tests.").parse::<Everything>(["--port=x", "--help"])
    else {
        panic!("help was asked for")
    };
    for spec in Everything::specs() {
        assert!(text.contains(spec.name), "{} is missing", spec.name);
    }
    for part in [
        "\nNetwork:\n  --port=NUMBER (default: 5050)\n      Port to listen on.\n",
        "  --[no-]quiet (default: false)\n",
        "  --work_dir=PATH (required)\n",
        "  --agent_timeout=DURATION, --timeout=DURATION (default: 10mins)\n",
        "Old name: --slave_timeout\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 92), "{text}");
    assert!(matches!(Parser::new("test", "").parse::<Everything>(["--version"]), Ok(Parsed::Version)));
}

#[test]
fn effective_values_are_strings_and_unset_ones_are_left_out() {
    let json = to_json(&flags(&["--roles=a,b", "--acls={\"b\":1,\"a\":[ ]}"]));
    let expected = serde_json::json!({
        "acls": "{\"b\":1,\"a\":[]}",
        "agent_timeout": "10mins",
        "cache": "2GB",
        "headroom": "0.1",
        "logging_level": "INFO",
        "port": "5050",
        "quiet": "false",
        "roles": "a,b",
        "work_dir": "/w",
    });
    assert_eq!(serde_json::Value::from(json), expected);
}

#[test]
fn the_table_for_the_documentation_has_a_row_for_each_flag() {
    let table = docs_table::<Everything>();
    assert!(table.contains("## Logging\n"), "{table}");
    assert!(table.contains("| `work_dir` | required | Where files go. |"), "{table}");
    let row = "| `agent_timeout` | `10mins` | How long to wait for agents. The second paragraph \\| has a bar. \
               Old name: `slave_timeout`. |";
    assert!(table.contains(row), "{table}");
}
