//! Pages that are made from the code.

use crate::workspace::root;

/// The pages, each with its place in the workspace.
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("mesos/docs/master-flags.md", flags("master", &stout::flags::docs_table::<mesos_master::Flags>())),
        ("mesos/docs/agent-flags.md", flags("agent", &stout::flags::docs_table::<mesos_agent::AgentFlags>())),
    ]
}

fn flags(daemon: &str, table: &str) -> String {
    format!(
        "# Flags of `mesos {daemon}`\n\nMade from the code; `mesos {daemon} --help` says the same.\n\nA flag is given as \
         `--name=value`, in the environment as `MESOS_NAME`, or in a file as `--name=file:///path`. The command line \
         wins over the environment.\n\n{}\n",
        table.trim_end()
    )
}

/// Whether the committed page is the one that the code makes; `MESOS_UPDATE_PAGES=1` writes it.
pub fn in_step(path: &str, page: &str) -> bool {
    let file = root().join(path);
    if std::env::var_os("MESOS_UPDATE_PAGES").is_some() {
        return std::fs::write(file, page).is_ok();
    }
    std::fs::read_to_string(file).is_ok_and(|committed| committed == page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_pages_are_those_that_the_code_makes() {
        for (path, page) in pages() {
            assert!(
                in_step(path, &page),
                "{path} is not what the code makes: MESOS_UPDATE_PAGES=1 writes it anew"
            );
        }
    }
}
