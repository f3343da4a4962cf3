//! How an agent makes itself known.

use std::time::Duration;

use mesos_api::internal::{PingSlaveMessage, ShutdownMessage};

use crate::fixture::{agent_pid, paused, tests};
use crate::master::Heard;

tests![
    registration_is_repeated_until_the_master_answers,
    silent_master_is_looked_for_anew,
    master_that_lost_the_connection_is_told_anew,
    agent_ends_when_its_master_says_so,
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
