//! What the help of each command ends with.

pub(super) const ALL: &str = "Examples:
  mesos run 'echo hello'                     run a command on a cluster made for it
  mesos local --agents 3                     serve a cluster of one master and three agents
  mesos master --work_dir=/var/lib/mesos     start a master
  mesos agent --master=10.0.0.1:5050 --work_dir=/var/lib/mesos-agent
  mesos tasks --master 10.0.0.1:5050         list what runs
  mesos tail -f TASK                         follow what a task prints

A master or agent is always named as HOST:PORT or http://HOST:PORT. 'mesos help COMMAND' has more.

Exit status: 0 on success, 1 on failure, 2 when the command line is wrong, 141 when nobody reads
the output any more. 'mesos run' has the status of its command.";

pub(super) const RUN: &str = "Examples:
  mesos run 'seq 3 | sort -r'                          a shell command, on a cluster made for it
  mesos run -- ls -l '/my dir'                         a program and its arguments, without a shell
  mesos run --master 10.0.0.1:5050 'hostname'          on a cluster that is there
  mesos run --resources 'cpus:2;mem:512' --env N=4 'make -j$N'
  mesos run --uri https://example.com/data.tar.gz 'ls data'
  mesos run -q 'cat /etc/hostname' > name              only what the command prints

Without --master a master and an agent are started in this process, with a temporary directory,
and nothing of them is left at the end. MESOS_MASTER is not looked at. Ctrl-C tells the command to
end, and kills it after the grace period; a second one kills it at once. Should the command for
long print faster than its output can be read, a warning on the standard error says how many bytes
were lost. What the executor itself writes there is only in the sandbox: see 'mesos cat TASK stderr'.

While a master is away the task goes on, and cannot be killed; it is said when that is wanted. A
master that only loses the connection to this command kills the task after ten seconds; one that
is started again while this command is gone never does.

Exit status: that of the command; 128 + N when signal N ended it; 1 when the task failed for
another reason, could not be launched, or its output could not be written; 2 when the command line
is wrong; 130 when Ctrl-C ended the command, unless it gave a status of its own; 141 when nobody reads the output any more, for which the command is
killed.";

pub(super) const AGENTS: &str = "Examples:
  mesos agents                                         of the master at 127.0.0.1:5050, or $MESOS_MASTER
  mesos agents --master 10.0.0.1:5050
  mesos agents --json | jq '.get_agents.agents[].agent_info.hostname'";

pub(super) const FRAMEWORKS: &str = "Examples:
  mesos frameworks --master 10.0.0.1:5050
  mesos frameworks --all                               those that are completed, too
  mesos frameworks --json | jq '.get_frameworks.frameworks[].framework_info.name'";

pub(super) const TASKS: &str = "Examples:
  mesos tasks --master 10.0.0.1:5050
  mesos tasks --all                                    those that are over, too
  mesos tasks --json | jq -r '.get_tasks.tasks[].task_id.value'";

pub(super) const EXPLAIN: &str = "Examples:
  mesos explain role web
  mesos explain role web/frontend --json | jq '.explain_role.reasons'
  mesos explain role '*' --master 10.0.0.1:5050";

pub(super) const LS: &str = "Examples:
  mesos ls web-1                                       the sandbox of the task 'web-1'
  mesos ls web                                         the same, if only one task begins so
  mesos ls web-1 logs --master 10.0.0.1:5050           a directory in it
  mesos ls web-1 stdout                                a file in it";

pub(super) const CAT: &str = "Examples:
  mesos cat web-1                                      what it has printed
  mesos cat web-1 stderr
  mesos cat web-1 stdout.1                             what it printed before stdout was full
  mesos cat web-1 logs/access.log > access.log";

pub(super) const TAIL: &str = "Examples:
  mesos tail web-1                                     the last ten lines that it has printed
  mesos tail -f web-1 stderr                           go on as more comes, until Ctrl-C
  mesos tail -n 100 web-1 logs/access.log

A file that is full and begun anew is followed. Exit status of tail -f: 0 after Ctrl-C.";

pub(super) const VERSION: &str = "Examples:
  mesos version                                        of this program
  mesos version --master 10.0.0.1:5050                 which Mesos a master speaks
  mesos version --agent 10.0.0.2:5051 --json";

pub(super) const DESCRIPTORS: &str = "Examples:
  mesos api descriptors > mesos.pb
  mesos api descriptors | protoc --decode=google.protobuf.FileDescriptorSet google/protobuf/descriptor.proto";
