//! Clusters of the program under test.

use std::sync::{Arc, Mutex, Weak};

use super::daemon::{Daemon, free_port};
use super::http::get;
use super::scratch::Scratch;
use super::wait::until;

/// What every agent of the tests has, so that nothing depends on the machine.
const RESOURCES: &str = "cpus:2;mem:2048;disk:2048;ports:[31000-32000]";

/// A master with agents, in one process or in several.
pub(crate) struct Cluster {
    /// Ended in this order: agents, then the master.
    agent_daemons: Vec<Daemon>,
    daemon: Daemon,
    agent_arguments: Vec<Vec<String>>,
    master_arguments: Vec<String>,
    master: String,
    agents: Vec<String>,
    pub(crate) scratch: Scratch,
}

impl Cluster {
    /// A `mesos local`.
    pub(crate) fn local(agents: usize) -> Self {
        let scratch = Scratch::new();
        let arguments = [
            "local".to_owned(),
            format!("--agents={agents}"),
            "--ip=127.0.0.1".to_owned(),
            "--port=0".to_owned(),
            format!("--work_dir={}", scratch.join("work")),
            format!("--resources={RESOURCES}"),
        ];
        let mut daemon = Daemon::start(&scratch, "local", &arguments);
        let lines = daemon.until_printed("'ready'", |output| {
            output
                .lines()
                .any(|line| line == "ready")
                .then(|| output.lines().map(str::to_owned).collect::<Vec<_>>())
        });
        let addresses = |kind: &str| {
            lines
                .iter()
                .filter_map(|line| Some(line.strip_prefix(kind)?.trim().to_owned()))
                .collect::<Vec<_>>()
        };
        let master = addresses("master ").pop().expect("the address of the master");
        let agents = addresses("agent ");
        let cluster = Self {
            agent_daemons: Vec::new(),
            daemon,
            agent_arguments: Vec::new(),
            master_arguments: Vec::new(),
            master,
            agents,
            scratch,
        };
        cluster.until_agents(cluster.agents.len());
        cluster
    }

    /// A `mesos master` and `mesos agent`s, with more flags.
    pub(crate) fn separate(agents: usize, master_flags: &[&str], agent_flags: &[&str]) -> Self {
        let scratch = Scratch::new();
        let master = format!("127.0.0.1:{}", free_port());
        let mut arguments = vec!["master".to_owned(), format!("--work_dir={}", scratch.join("master"))];
        arguments.extend(listen(&master));
        arguments.extend(master_flags.iter().map(|flag| (*flag).to_owned()));
        let daemon = Daemon::start(&scratch, "master", &arguments);
        let mut cluster = Self {
            agent_daemons: Vec::new(),
            daemon,
            agent_arguments: Vec::new(),
            master_arguments: arguments,
            master,
            agents: Vec::new(),
            scratch,
        };
        cluster.until_master();
        for _ in 0..agents {
            cluster.add_agent(agent_flags);
        }
        cluster.until_agents(agents);
        cluster
    }

    /// Starts one more agent, and waits for it no longer.
    pub(crate) fn add_agent(&mut self, flags: &[&str]) -> usize {
        let number = self.agents.len();
        let address = format!("127.0.0.1:{}", free_port());
        let mut arguments = vec![
            "agent".to_owned(),
            format!("--master={}", self.master),
            format!("--work_dir={}", self.scratch.join(&format!("agent-{number}"))),
            format!("--runtime_dir={}", self.scratch.join(&format!("runtime-{number}"))),
            format!("--resources={RESOURCES}"),
            "--registration_backoff_factor=10ms".to_owned(),
        ];
        arguments.extend(listen(&address));
        for flag in flags {
            // A flag may be given once: a later one takes the place of ours.
            let name = flag.split('=').next().unwrap_or(flag);
            arguments.retain(|argument| argument.split('=').next() != Some(name));
            arguments.push((*flag).to_owned());
        }
        self.agent_daemons.push(Daemon::start(&self.scratch, &format!("agent-{number}"), &arguments));
        self.agent_arguments.push(arguments);
        self.agents.push(address);
        number
    }

    /// Where the master listens.
    pub(crate) fn master(&self) -> &str {
        &self.master
    }

    /// Where an agent listens.
    pub(crate) fn agent(&self, number: usize) -> &str {
        &self.agents[number]
    }

    /// The process of the master, or of everything.
    pub(crate) fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// The process of an agent.
    pub(crate) fn agent_daemon(&mut self, number: usize) -> &mut Daemon {
        &mut self.agent_daemons[number]
    }

    /// Starts an agent again, which has ended.
    pub(crate) fn restart_agent(&mut self, number: usize) {
        assert!(!self.agent_daemons[number].is_running(), "an agent that runs is not started again");
        let name = format!("agent-{number}");
        self.agent_daemons[number] = Daemon::start(&self.scratch, &name, &self.agent_arguments[number]);
    }

    /// Kills the master, if it still runs, and starts it again.
    pub(crate) fn restart_master(&mut self) {
        if self.daemon.is_running() {
            self.daemon.kill();
        }
        self.daemon = Daemon::start(&self.scratch, "master", &self.master_arguments);
        self.until_master();
    }

    /// Waits until so many agents are registered and active.
    pub(crate) fn until_agents(&self, count: usize) {
        until("the agents to register", || {
            let answer = get(&self.master, "/state");
            (answer.status == 200 && answer.json()["activated_slaves"].as_f64() == Some(count as f64))
                .then_some(())
        });
    }

    fn until_master(&mut self) {
        until("the master to listen", || {
            assert!(self.daemon.is_running(), "the master ended: {}", self.daemon.log());
            std::net::TcpStream::connect(&self.master).ok()
        });
        until("the master to serve", || (get(&self.master, "/state").status == 200).then_some(()));
    }
}

fn listen(address: &str) -> [String; 2] {
    let (ip, port) = address.split_once(':').expect("an address with a port");
    [format!("--ip={ip}"), format!("--port={port}")]
}

/// A cluster of two agents that several tests use at a time, each with a framework of its own. It ends with the last
/// of them.
pub(crate) fn shared() -> Arc<Cluster> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::local(2));
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}
