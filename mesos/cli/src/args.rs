//! What can be typed after `mesos`.

mod examples;

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser as Name;
use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand};
use mesos_resources::Resources;
use stout::duration;

use crate::address::Address;

/// A cluster manager: run a command on a cluster made for it, run the daemons of a real one, and
/// look into one.
#[derive(Debug, Parser)]
#[command(name = "mesos", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = examples::ALL)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a command as a task, print its output, and exit with its status
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// Serve a cluster in this process until Ctrl-C
    #[command(disable_help_flag = true)]
    Local(Rest),
    /// Run a master (its flags: mesos master --help)
    #[command(disable_help_flag = true)]
    Master(Rest),
    /// Run an agent (its flags: mesos agent --help)
    #[command(disable_help_flag = true)]
    Agent(Rest),
    /// Launch a task or a task group and follow it (its flags: mesos execute --help)
    #[command(disable_help_flag = true)]
    Execute(Rest),
    /// List the agents of a cluster
    #[command(after_help = examples::AGENTS)]
    Agents(List),
    /// List the frameworks of a cluster
    #[command(after_help = examples::FRAMEWORKS)]
    Frameworks(ListAll),
    /// List the tasks of a cluster
    #[command(after_help = examples::TASKS)]
    Tasks(ListAll),
    /// Why does a role get nothing now?
    #[command(subcommand)]
    Explain(Explain),
    /// List the files in the sandbox of a task
    #[command(after_help = examples::LS)]
    Ls(Ls),
    /// Print a file in the sandbox of a task
    #[command(after_help = examples::CAT)]
    Cat(Cat),
    /// Print the end of a file in the sandbox of a task, and follow it
    #[command(after_help = examples::TAIL)]
    Tail(Tail),
    /// Print the version of this program, or of a running daemon
    #[command(after_help = examples::VERSION)]
    Version(Version),
    /// What this program knows of the APIs
    #[command(subcommand)]
    Api(Api),
}

/// Arguments that the command reads itself.
#[derive(Debug, ClapArgs)]
pub(crate) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) arguments: Vec<String>,
}

/// Which cluster is meant.
#[derive(Debug, ClapArgs)]
pub(crate) struct Master {
    /// Where a master listens; one that does not lead sends on to the one that does
    #[arg(long, env = "MESOS_MASTER", default_value = "127.0.0.1:5050", value_name = "HOST:PORT")]
    pub(crate) master: Address,
    /// How long a master or agent may be silent
    #[arg(long, default_value = "30secs", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
}

/// What can be explained.
#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Quota, share, headroom and filters of a role, and what keeps it from being offered anything
    #[command(after_help = examples::EXPLAIN)]
    Role(Explained),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Explained {
    /// The role
    #[arg(value_name = "ROLE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) master: Master,
    /// Print the answer of the master as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// Run on the cluster of this master; without it a cluster is made in this process
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) master: Option<Address>,
    /// How long the master may take to let the framework in, and to answer
    #[arg(long, default_value = "30secs", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
    /// Name of the task
    #[arg(long, default_value = "run", value_parser = Name::new())]
    pub(crate) name: String,
    /// Resources of the task
    #[arg(long, default_value = "cpus:0.1;mem:32", value_name = "RESOURCES", value_parser = resources)]
    pub(crate) resources: Resources,
    /// Variable for the environment of the command; may be given again
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) environment: Vec<(String, String)>,
    /// URI to fetch into the sandbox before the command runs; may be given again
    #[arg(long = "uri", value_name = "URI")]
    pub(crate) uris: Vec<String>,
    /// User to run the command as: by default the one who runs this
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Role whose resources are used
    #[arg(long, default_value = "*")]
    pub(crate) role: String,
    /// How long the command has to end after it is told to, as in 10secs
    #[arg(long, value_name = "DURATION", default_value = "3secs", value_parser = duration::parse)]
    pub(crate) grace_period: Duration,
    /// Print nothing but what the command prints, and what goes wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// A shell command, as one word
    #[arg(required_unless_present = "program", value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// A program and its arguments, run without a shell
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<String>,
}

impl Run {
    /// Refuses what is neither one shell command nor one program.
    fn check(&self) -> Result<(), String> {
        match (self.command.as_slice(), self.program.as_slice()) {
            ([], _) | ([_], []) => Ok(()),
            (command, []) => Err(format!(
                "a shell command is one word, and here are {}: quote it, as in 'mesos run \"{words}\"', or put -- \
                 before a program and its arguments, as in 'mesos run -- {words}'",
                command.len(),
                words = command.join(" "),
            )),
            (command, _) => Err(format!(
                "there is a shell command, '{}', and after -- a program: give one of them",
                command.join(" ")
            )),
        }
    }
}

impl Args {
    /// Reads the command line; explains what is wrong with it, and ends the program then.
    pub(crate) fn read(arguments: Vec<String>) -> Self {
        Self::try_read(arguments).unwrap_or_else(|error| error.exit())
    }

    fn try_read(arguments: Vec<String>) -> Result<Self, clap::Error> {
        let args = Self::try_parse_from(arguments)?;
        if let Command::Run(run) = &args.command {
            run.check().map_err(|problem| {
                // Built, a command knows its whole name for the usage line.
                let mut all = Self::command();
                all.build();
                let command = all.find_subcommand_mut("run").map(std::mem::take).unwrap_or(all);
                command.bin_name("mesos run").error(ErrorKind::TooManyValues, problem)
            })?;
        }
        Ok(args)
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) master: Master,
    /// Print JSON, as the master gave it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListAll {
    #[command(flatten)]
    pub(crate) list: List,
    /// List those that are over, too
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// A place in the sandbox of a task.
#[derive(Debug, ClapArgs)]
pub(crate) struct Place {
    #[command(flatten)]
    pub(crate) master: Master,
    /// Framework of the task, where two have one of this id
    #[arg(long, value_name = "ID", value_parser = Name::new())]
    pub(crate) framework: Option<String>,
    /// Id of the task, or the beginning of it
    #[arg(value_parser = Name::new())]
    pub(crate) task: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Directory or file in the sandbox
    #[arg(default_value = "")]
    pub(crate) path: String,
    /// Print JSON, as the agent gave it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Cat {
    #[command(flatten)]
    pub(crate) place: Place,
    /// File in the sandbox
    #[arg(default_value = "stdout")]
    pub(crate) path: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) place: Place,
    /// File in the sandbox
    #[arg(default_value = "stdout")]
    pub(crate) path: String,
    /// How many lines to begin with
    #[arg(long, short = 'n', default_value_t = 10)]
    pub(crate) lines: usize,
    /// Go on as the file grows, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Version {
    /// Ask the master that listens here
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) master: Option<Address>,
    /// Ask the agent that listens here
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "master")]
    pub(crate) agent: Option<Address>,
    /// How long it may be silent
    #[arg(long, default_value = "30secs", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Api {
    /// Print the FileDescriptorSet of all messages, as protobuf
    #[command(after_help = examples::DESCRIPTORS)]
    Descriptors,
}

fn resources(text: &str) -> Result<Resources, String> {
    Resources::parse(text, "*").map_err(|error| error.to_string())
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some(("", _)) => Err("the name is missing"),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("it is not NAME=VALUE"),
    }
}

/// The arguments, with the command that the name of the program stands for put in.
pub(crate) fn by_name(mut arguments: Vec<String>) -> Vec<String> {
    let name = arguments.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let command = match name {
        "mesos-master" => "master",
        "mesos-agent" | "mesos-slave" => "agent",
        "mesos-local" => "local",
        "mesos-execute" => "execute",
        _ => return arguments,
    };
    arguments.insert(1, command.to_owned());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn name_of_the_program_stands_for_a_command() {
        let check = |name: &str, expected: &[&str]| {
            let arguments = by_name(vec![name.to_owned(), "--port=1".to_owned()]);
            assert_eq!(arguments[1..], *expected, "{name}");
        };
        check("/usr/sbin/mesos-slave", &["agent", "--port=1"]);
        check("mesos-agent", &["agent", "--port=1"]);
        check("mesos-master", &["master", "--port=1"]);
        check("mesos-local", &["local", "--port=1"]);
        check("mesos-execute", &["execute", "--port=1"]);
        check("./mesos", &["--port=1"]);
    }

    #[test]
    fn command_after_dashes_is_taken_as_it_is() {
        let args = Args::try_parse_from(["mesos", "run", "--quiet", "--", "ls", "-l", "--all"]).unwrap();
        let Command::Run(run) = args.command else { panic!("{args:?}") };
        assert_eq!((run.command.as_slice(), run.program.join(" ").as_str()), (&[][..], "ls -l --all"));
    }

    #[test]
    fn command_is_one_word_and_flags_may_follow_it() {
        let read = |words: &str| {
            Args::try_read(words.split(' ').map(str::to_owned).collect()).map_err(|error| error.to_string())
        };
        let Ok(Args { command: Command::Run(run) }) = read("mesos run true --quiet --name n") else {
            panic!()
        };
        assert_eq!((run.command, run.quiet, run.name.as_str()), (vec!["true".to_owned()], true, "n"));
        for (words, part) in [
            ("mesos run echo a", "quote it, as in 'mesos run \"echo a\"'"),
            ("mesos run echo -- a", "give one of them"),
            ("mesos run echo -n", "-n"),
            ("mesos run --", "COMMAND"),
        ] {
            let problem = read(words).err().unwrap_or_default();
            assert!(problem.contains(part), "{words}: {problem}");
        }
    }

    #[test]
    fn variables_have_names() {
        assert!(variable("A=b=c").is_ok_and(|it| it == ("A".to_owned(), "b=c".to_owned())));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }
}
