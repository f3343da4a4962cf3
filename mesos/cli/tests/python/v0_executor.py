"""An executor of the old protocol. A task with the data `finish` finishes, others run until they are killed.
Usage: v0_executor.py DESCRIPTORS, in the environment that an agent gives an executor."""

import os
import sys
import time
import uuid

import libprocess
from messages import Messages


class Executor:
    """Registers with the agent, and does what it says."""

    def __init__(self, descriptors):
        """Reads who it is from the environment."""
        self.messages = Messages(descriptors)
        self.agent = os.environ["MESOS_SLAVE_PID"]
        self.ids = {
            "slave_id": self.messages["mesos.SlaveID"](value=os.environ["MESOS_SLAVE_ID"]),
            "framework_id": self.messages["mesos.FrameworkID"](value=os.environ["MESOS_FRAMEWORK_ID"]),
            "executor_id": self.messages["mesos.ExecutorID"](value=os.environ["MESOS_EXECUTOR_ID"]),
        }
        self.process = libprocess.Process("executor(1)")
        self.unacknowledged = set()
        self.acknowledged = 0
        self.asked = False

    def send(self, name, **fields):
        """Sends a message of mesos.internal to the agent."""
        message = self.messages[f"mesos.internal.{name}"](**fields)
        self.process.send(self.agent, f"mesos.internal.{name}", message.SerializeToString())

    def update(self, task_id, state):
        """Sends a new state of a task."""
        status = self.messages["mesos.TaskStatus"](
            task_id=task_id, slave_id=self.ids["slave_id"], state=state, source="SOURCE_EXECUTOR",
            timestamp=time.time(), uuid=uuid.uuid4().bytes)
        self.unacknowledged.add(status.uuid)
        update = self.messages["mesos.internal.StatusUpdate"](
            status=status, timestamp=status.timestamp, uuid=status.uuid, **self.ids)
        self.send("StatusUpdateMessage", update=update, pid=self.process.pid)

    def run(self):
        """Takes messages until told to end."""
        ids = {name: self.ids[name] for name in ("framework_id", "executor_id")}
        self.send("RegisterExecutorMessage", **ids)
        while True:
            sender, name, body = self.process.inbox.get()
            message = self.messages[name].FromString(body)
            name = name.rpartition(".")[2]
            print(name, "from", sender, flush=True)
            if name == "RunTaskMessage":
                self.update(message.task.task_id, "TASK_RUNNING")
                if message.task.data == b"finish":
                    self.update(message.task.task_id, "TASK_FINISHED")
            elif name == "KillTaskMessage":
                self.update(message.task_id, "TASK_KILLED")
            elif name == "StatusUpdateAcknowledgementMessage":
                self.unacknowledged.remove(message.uuid)
                self.acknowledged += 1
            elif name == "FrameworkToExecutorMessage":
                self.answer(message.data)
            elif name == "ShutdownExecutorMessage":
                return
            if self.asked and not self.unacknowledged:
                self.asked = False
                self.send("ExecutorToFrameworkMessage", data=b"%d acknowledged" % self.acknowledged, **self.ids)

    def answer(self, data):
        """Answers a message of the framework."""
        if data.startswith(b"exit "):
            sys.exit(int(data[5:]))
        if data == b"acknowledged":
            self.asked = True
        else:
            self.send("ExecutorToFrameworkMessage", data=b"echo: " + data, **self.ids)


if __name__ == "__main__":
    Executor(sys.argv[1]).run()
