//! What the help of each command teaches.

use super::call;
use crate::harness::Scratch;

const COMMANDS: [&str; 12] = [
    "run",
    "local",
    "master",
    "agent",
    "execute",
    "agents",
    "frameworks",
    "tasks",
    "ls",
    "cat",
    "tail",
    "version",
];

#[test]
fn help_of_each_command_has_examples_of_it() {
    let scratch = Scratch::new();
    for command in COMMANDS {
        let help = call(&scratch, &[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(help.stdout.contains("Examples:"), "{command}: {}", help.stdout);
        assert!(help.stdout.contains(&format!("  mesos {command}")), "{command}: {}", help.stdout);
        assert!(!help.stdout.contains('\x1b'), "{command}: {}", help.stdout);
        assert_eq!(call(&scratch, &["help", command]).stdout, help.stdout, "{command}");
    }
}

#[test]
fn exit_statuses_are_told() {
    let scratch = Scratch::new();
    for command in ["run", "local", "master", "agent", "execute"] {
        let help = call(&scratch, &[command, "--help"]).stdout;
        assert!(help.contains("Exit status:"), "{command}: {help}");
    }
    assert!(call(&scratch, &["--help"]).stdout.contains("Exit status:"));
}

/// Wherever a command asks a daemon, it is named by the same flags.
#[test]
fn daemons_are_named_by_the_same_flags_everywhere() {
    let scratch = Scratch::new();
    for command in ["run", "agents", "frameworks", "tasks", "ls", "cat", "tail", "version"] {
        let help = call(&scratch, &[command, "--help"]).stdout;
        for flag in ["--master <HOST:PORT>", "--timeout <DURATION>"] {
            assert!(help.contains(flag), "{command}: {help}");
        }
    }
}
