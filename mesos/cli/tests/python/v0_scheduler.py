"""Goes through the old protocol with a driver of our own. Usage:
v0_scheduler.py MASTER DESCRIPTORS calls|messages 1.5|1.0 (what is sent, and in which form of HTTP request)."""

import collections
import getpass
import http.client
import json
import os
import queue
import sys
import time

from google.protobuf import json_format

import tasks
from messages import Messages
from v0_driver import Driver

PATIENCE_SECONDS = 60
SHORT_TASKS = 10


class Scheduler:
    """The steps, and what came from the master."""

    def __init__(self, master, descriptors, calls, form):
        """Asks the master for the PID of the leader, as some drivers do, and prepares a driver."""
        self.address = master
        self.descriptors = descriptors
        self.messages = Messages(descriptors)
        self.leader = self.state()["leader"]
        self.calls = calls
        self.form = form
        self.driver = Driver(self.messages, self.leader, calls, form)
        self.info = self.messages["mesos.FrameworkInfo"](user=getpass.getuser(), name="v0", failover_timeout=60.0)
        self.offers = {}
        self.updates = collections.defaultdict(list)
        self.reconciled = []
        self.inbox = collections.defaultdict(list)

    def state(self):
        """What the master says of itself."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request("GET", "/state")
        state = json.load(connection.getresponse())
        connection.close()
        return state

    def take(self, sender, name, body):
        """Puts one message where it belongs, and acknowledges updates."""
        message = self.messages[name].FromString(body)
        name = name.rpartition(".")[2]
        if name == "ResourceOffersMessage":
            assert len(message.offers) == len(message.pids), message
            for offer, pid in zip(message.offers, message.pids):
                assert pid.startswith("slave("), pid
                self.offers[offer.id.value] = offer
        elif name == "RescindResourceOfferMessage":
            self.offers.pop(message.offer_id.value, None)
        elif name == "StatusUpdateMessage":
            status = json_format.MessageToDict(message.update.status, preserving_proto_field_name=True)
            if status.get("reason") == "REASON_RECONCILIATION":
                assert not message.update.uuid, message
                self.reconciled.append(status)
                return
            self.updates[status["task_id"]["value"]].append(status)
            if message.pid and message.update.uuid:
                self.driver.acknowledge(message.update)
        else:
            self.inbox[name].append(message)

    def until(self, what, condition, driver=None):
        """Takes messages until a condition holds; gives its value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        inbox = (driver or self.driver).process.inbox
        while not (value := condition()):
            try:
                self.take(*inbox.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                raise RuntimeError(f"waited in vain for {what}; updates: {dict(self.updates)}, other: "
                                   f"{dict(self.inbox)}") from None
        return value

    def received(self, name, driver=None):
        """Waits for a message."""
        return self.until(name, lambda: self.inbox[name] and self.inbox[name].pop(0), driver)

    def states(self, task_id):
        """The updates of a task, without what differs from run to run."""
        return [tasks.summary(status) for status in self.updates[task_id]]

    def has_state(self, task_id, state):
        """Whether the last update of a task is in a state."""
        return bool(self.updates[task_id]) and self.updates[task_id][-1]["state"] == state

    def launch(self, make):
        """Waits for an offer and launches on it the tasks that `make` gives for it, as dictionaries of the v1 form."""
        def find():
            def fits(offer):
                return sum(r.scalar.value for r in offer.resources if r.name == "cpus") >= 1.0
            return next((offer for offer in self.offers.values() if fits(offer)), None)
        offer = self.until("an offer", find)
        del self.offers[offer.id.value]
        made = make({"agent_id": {"value": offer.slave_id.value}})
        for task in made:
            task["slave_id"] = task.pop("agent_id")
            if "executor" in task:
                task["executor"]["framework_id"] = {"value": self.driver.framework_id.value}
        self.driver.launch([offer], [json_format.ParseDict(task, self.messages["mesos.TaskInfo"]()) for task in made])
        return offer

    def run(self):
        """Takes all steps; gives the transcript."""
        transcript = {}
        for step in (self.register, self.short_tasks, self.executor, self.decline_and_revive, self.fail_over,
                     self.reconcile, self.teardown):
            begin = time.monotonic()
            transcript[step.__name__] = step()
            print(f"{step.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
        return transcript

    def register(self):
        """The master takes the framework in, and links to it."""
        self.driver.subscribe(self.info)
        registered = self.received("FrameworkRegisteredMessage")
        self.driver.framework_id = registered.framework_id
        return {"id": bool(registered.framework_id.value), "master": registered.master_info.pid == self.leader}

    def short_tasks(self):
        """Some tasks that end by themselves."""
        names = [f"short-{number}" for number in range(SHORT_TASKS)]
        self.launch(lambda offer: [tasks.command_task(name, offer, "exit 0") for name in names])
        self.until("the short tasks to end", lambda: all(self.has_state(n, "TASK_FINISHED") for n in names))
        runs = {json.dumps(self.states(name)) for name in names}
        return {"tasks": len(names), "runs": sorted(map(json.loads, runs))}

    def executor(self):
        """An executor of the old protocol: a task that finishes, a message, and a task that is killed."""
        here = os.path.dirname(os.path.abspath(__file__))
        command = f"exec {sys.executable} -B {here}/v0_executor.py {self.descriptors}"
        offer = self.launch(lambda offer: [
            tasks.executor_task("finishing", offer, "old", command, "ZmluaXNo"),
            tasks.executor_task("waiting", offer, "old", command),
        ])
        self.until("the first task to end", lambda: self.has_state("finishing", "TASK_FINISHED"))
        self.until("the second task to run", lambda: self.has_state("waiting", "TASK_RUNNING"))
        self.driver.message(offer.slave_id, "old", b"hello")
        answer = self.received("ExecutorToFrameworkMessage")
        self.driver.kill("waiting")
        self.until("the second task to end", lambda: self.has_state("waiting", "TASK_KILLED"))
        # The executor answers with how many of its updates were acknowledged, once all were.
        self.driver.message(offer.slave_id, "old", b"acknowledged")
        acknowledged = self.received("ExecutorToFrameworkMessage")
        self.driver.message(offer.slave_id, "old", b"exit 7")
        exited = self.received("ExitedExecutorMessage")
        return {
            "finishing": self.states("finishing"),
            "waiting": self.states("waiting"),
            "message": answer.data.decode(),
            "acknowledged": acknowledged.data.decode(),
            "exited": [exited.executor_id.value, exited.status],
        }

    def decline_and_revive(self):
        """What was declined for an hour is offered again after a revive."""
        self.until("offers", lambda: self.offers)
        self.driver.launch(list(self.offers.values()), [], 3600.0)
        self.offers.clear()
        self.driver.revive()
        return bool(self.until("offers again", lambda: self.offers))

    def fail_over(self):
        """Another process takes the place of the framework; its task goes on."""
        self.launch(lambda offer: [tasks.command_task("long", offer, "sleep 1000")])
        self.until("the long task to run", lambda: self.has_state("long", "TASK_RUNNING"))
        old, self.driver = self.driver, Driver(self.messages, self.leader, self.calls, self.form)
        self.offers.clear()
        self.info.id.CopyFrom(old.framework_id)
        self.driver.subscribe(self.info)
        registered = self.received("FrameworkRegisteredMessage")
        error = self.received("FrameworkErrorMessage", old)
        old.process.close()
        same = registered.framework_id.value == old.framework_id.value
        return {"same id": same, "told to the old one": error.message}

    def reconcile(self):
        """Reconciliation of what is live, and of a task that is not known."""
        self.driver.reconcile([])
        self.driver.reconcile(["never"])
        self.until("answers", lambda: any(s["task_id"]["value"] == "never" for s in self.reconciled))
        return [[status["task_id"]["value"], *tasks.summary(status)] for status in self.reconciled]

    def teardown(self):
        """The framework ends, and with it its task."""
        self.driver.teardown()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            frameworks = self.state()["completed_frameworks"]
            over = [f for f in frameworks if f["id"] == self.driver.framework_id.value]
            if over:
                return {task["id"]: task["state"] for task in over[0]["completed_tasks"] if task["id"] == "long"}
            time.sleep(0.05)
        raise RuntimeError("the framework is not over")


def main():
    """Prints the transcript as the last line."""
    master, descriptors, what, form = sys.argv[1:]
    print(json.dumps(Scheduler(master, descriptors, what == "calls", form).run(), sort_keys=True))


if __name__ == "__main__":
    main()
