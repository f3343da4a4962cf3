//! How an agent makes itself known.

use std::time::Duration;

use mesos_agent::{Agent, AgentFlags};
use mesos_api::internal::{PingSlaveMessage, ShutdownMessage};

use crate::fixture::{AGENT_ID, Fixture, agent_pid, paused, run, tests};
use crate::master::{Heard, Master};

tests![
    registration_is_repeated_until_the_master_answers,
    silent_master_is_looked_for_anew,
    master_that_lost_the_connection_is_told_anew,
    agent_ends_when_its_master_says_so,
    agent_that_leaves_while_it_is_taken_in_unregisters,
    agent_that_leaves_waits_for_its_master_for_a_time,
];

fn registration_is_repeated_until_the_master_answers() {
    paused(|mut fixture| async move {
        fixture.agent(fixture.flags()).await;
        for _ in 0..3 {
            while fixture.master.heard.is_empty() {
                fixture.clock.advance(Duration::from_millis(100)).await;
                tokio::task::yield_now().await;
            }
            let (_, heard) = fixture.master.next().await;
            let Heard::Register(message) = heard else { panic!("{heard:?}") };
            assert_eq!(message.version.as_deref(), Some(mesos_daemon::version::MESOS_VERSION));
            assert!(message.slave.id.is_none());
        }
        fixture.clock.resume();
        let (agent, _) = fixture.master.register().await;
        assert_eq!(agent.id(), "slave(1)");
        let info = fixture.work_dir().join("meta/slaves/S0/slave.info");
        crate::fixture::until(|| info.exists()).await;
    });
}

fn silent_master_is_looked_for_anew() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let agent = fixture.registered().await;
        // It may have said more before it was answered.
        fixture.master.say(&agent_pid(&agent), PingSlaveMessage { connected: true });
        while !matches!(fixture.master.next().await, (_, Heard::Pong)) {}
        fixture.clock.pause();
        let before = fixture.clock.now();
        let message = loop {
            fixture.clock.advance(Duration::from_secs(5)).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            if let Ok((_, Heard::Reregister(message))) = fixture.master.heard.try_recv() {
                break message;
            }
        };
        assert!(fixture.clock.now() - before >= Duration::from_secs(75));
        assert_eq!(message.slave.id.map(|id| id.value).as_deref(), Some("S0"));
    });
}

fn master_that_lost_the_connection_is_told_anew() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let agent = fixture.registered().await;
        // It takes note of its registration some time after it is told.
        loop {
            fixture.master.say(&agent_pid(&agent), PingSlaveMessage { connected: false });
            match fixture.master.next().await {
                (_, Heard::Reregister(_)) => break,
                (_, Heard::Pong | Heard::Register(_)) => {}
                (_, heard) => panic!("{heard:?}"),
            }
        }
    });
}

fn agent_ends_when_its_master_says_so() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let agent = fixture.registered().await;
        fixture.master.say(&agent_pid(&agent), ShutdownMessage { message: Some("gone".into()) });
        agent.finished().await.unwrap();
    });
}

/// What an agent says last that leaves while its master does something.
async fn farewell(fixture: &mut Fixture, agent: &Agent, master: impl FnOnce(&Master)) -> Heard {
    let word = async {
        master(&fixture.master);
        loop {
            match fixture.master.next().await {
                (_, Heard::Register(_) | Heard::Reregister(_) | Heard::Pong) => {}
                (_, heard) => return heard,
            }
        }
    };
    tokio::join!(agent.leave(), word).1
}

fn agent_that_leaves_while_it_is_taken_in_unregisters() {
    run(|mut fixture| async move {
        let unregistered = |heard: &Heard| matches!(heard, Heard::Unregister(id) if id == AGENT_ID);
        let eager =
            |fixture: &Fixture| AgentFlags { registration_backoff_factor: Duration::ZERO, ..fixture.flags() };
        // It does not know yet by what id.
        let agent = fixture.agent(eager(&fixture)).await;
        let (pid, word) = fixture.master.next().await;
        let heard = farewell(&mut fixture, &agent, |master| assert!(master.take_in(&pid, &word))).await;
        assert!(unregistered(&heard), "{heard:?}");

        // It knows, but cannot write it down.
        fixture.crash().await;
        let info = fixture.work_dir().join("meta/slaves/S0/slave.info");
        std::fs::create_dir_all(&info).unwrap();
        let agent = fixture.registered().await;
        fixture.master.say(&agent_pid(&agent), PingSlaveMessage { connected: true });
        while !matches!(fixture.master.next().await, (_, Heard::Pong)) {}
        let heard = farewell(&mut fixture, &agent, |_| ()).await;
        assert!(unregistered(&heard), "{heard:?}");

        // It is back after a crash.
        std::fs::remove_dir(&info).unwrap();
        fixture.crash().await;
        fixture.registered().await;
        crate::fixture::until(|| fixture.work_dir().join("meta/slaves/latest").exists()).await;
        fixture.crash().await;
        let agent = fixture.agent(eager(&fixture)).await;
        let (pid, word) = loop {
            let (pid, word) = fixture.master.next().await;
            if matches!(word, Heard::Reregister(_)) {
                break (pid, word);
            }
        };
        let heard = farewell(&mut fixture, &agent, |master| assert!(master.take_in(&pid, &word))).await;
        assert!(unregistered(&heard), "{heard:?}");
    });
}

fn agent_that_leaves_waits_for_its_master_for_a_time() {
    paused(|mut fixture| async move {
        fixture.clock.resume();
        let agent = fixture.agent(fixture.flags()).await;
        fixture.master.next().await;
        fixture.clock.pause();
        let before = fixture.clock.now();
        let passing = async {
            loop {
                fixture.clock.advance(Duration::from_millis(500)).await;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = agent.leave() => {}
            () = passing => {}
        }
        assert!(fixture.clock.now() - before >= Duration::from_secs(5));
    });
}
