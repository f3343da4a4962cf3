//! Sandboxes, for people to look into.

use std::path::{Path, PathBuf};

use mesos_access::{Action, Object};
use mesos_daemon::files::{Access, Files};
use mesos_workload::RunKey;
use mesos_workload::paths::virtual_latest;

use crate::process::AgentProcess;
use crate::volumes::volumes;

impl AgentProcess {
    /// Shows the sandbox of a run under its own path, and as the newest of its executor.
    pub(crate) fn attach_sandbox(&mut self, run: &RunKey, directory: PathBuf) {
        let mut object = Object::any();
        if let Some(framework) = self.workload.framework(&run.framework) {
            object = object.with_framework(framework.info.clone());
        }
        if let Some(executor) = self.workload.executor(&run.framework, &run.executor) {
            object = object.with_executor(executor.info.clone());
        }
        let access = Access { action: Action::AccessSandbox, object };
        let own = directory.to_string_lossy().into_owned();
        for path in self.latest_paths(run).into_iter().chain([own]) {
            self.setup.files.attach(path, directory.clone(), Some(access.clone()));
        }
        self.attach_volumes(run);
    }

    /// Shows the persistent volumes of a run where they are in its sandbox: the links that are there
    /// lead out of it, and are not followed.
    pub(crate) fn attach_volumes(&mut self, run: &RunKey) {
        let Some(executor) = self.workload.executor(&run.framework, &run.executor) else { return };
        let resources = executor.allocated().to_protos();
        let own = executor.directory.to_string_lossy().into_owned();
        let volumes = volumes(self.workload.layout(), &resources);
        for base in self.latest_paths(run).into_iter().chain([own]) {
            for volume in &volumes {
                let path = format!("{base}/{}", volume.path.to_string_lossy());
                self.setup.files.attach(path, volume.directory.clone(), None);
            }
        }
    }

    /// The names under which the newest run of an executor is looked for.
    fn latest_paths(&self, run: &RunKey) -> Vec<String> {
        let agent = self.workload.info().id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
        let (framework, executor) = (&run.framework.value, &run.executor.value);
        let [sandboxes, _] = self.workload.layout().latest_runs(&agent, framework, executor);
        let virtual_paths = virtual_latest(framework, executor);
        virtual_paths.into_iter().chain([sandboxes.to_string_lossy().into_owned()]).collect()
    }
}

/// Shows nothing any more of what was removed.
pub(crate) fn hide_removed(files: &Files, path: &Path) {
    files.detach(path.to_string_lossy());
    // The directory of an executor: none of its runs is the newest any more.
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if let [.., frameworks, framework, executors, executor] = &parts[..]
        && frameworks == "frameworks"
        && executors == "executors"
    {
        files.detach(path.join("runs/latest").to_string_lossy());
        virtual_latest(framework, executor).into_iter().for_each(|path| files.detach(path));
    }
}
