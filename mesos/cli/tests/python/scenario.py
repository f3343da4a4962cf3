"""What a framework goes through, step by step, whichever client it is made with.

The steps give a transcript that has nothing in it that differs from run to run. A client has the methods of
`v1_client.V1Client`.
"""

import collections
import http.client
import json
import queue
import time

import tasks
from v1_client import V1Client

# A condition that does not come true for so long never will.
PATIENCE_SECONDS = 60

# How many tasks end by themselves, and how many of them go into one offer.
SHORT_TASKS = 100
SHORT_TASKS_PER_OFFER = 10

AT_ONCE = {"refuse_seconds": 0.0}


class Events:
    """What came from the master, sorted."""

    def __init__(self, client):
        """Listens to a client."""
        self.client = client
        self.offers = {}
        self.updates = collections.defaultdict(list)
        self.reconciled = []
        self.messages = []
        self.failures = []
        self.subscribed = None

    def take(self, kind, event):
        """Puts one event where it belongs."""
        if kind == "offers":
            for offer in event["offers"]:
                self.offers[offer["id"]["value"]] = offer
        elif kind == "rescind":
            self.offers.pop(event["offer_id"]["value"], None)
        elif kind == "update":
            status = event["status"]
            if status.get("reason") == "REASON_RECONCILIATION":
                self.reconciled.append(status)
            else:
                self.updates[status["task_id"]["value"]].append(status)
        elif kind == "message":
            self.messages.append(event)
        elif kind == "failure":
            self.failures.append(event)
        elif kind == "subscribed":
            self.subscribed = event
        else:
            raise RuntimeError(f"unexpected {kind}: {event}")

    def until(self, what, condition):
        """Takes events until a condition holds; gives its value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            value = condition()
            if value:
                return value
            try:
                self.take(*self.client.events.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                raise RuntimeError(f"waited in vain for {what}; updates: {dict(self.updates)}") from None

    def drain(self):
        """Takes the events that are there."""
        while not self.client.events.empty():
            self.take(*self.client.events.get())

    def agents(self):
        """Agents of the offers at hand."""
        return {offer["agent_id"]["value"] for offer in self.offers.values()}

    def offer(self, cpus):
        """Waits for an offer with room; too small ones go back, to come again as a larger one."""
        def find():
            found = next((offer for offer in self.offers.values() if tasks.cpus(offer) >= cpus), None)
            if not found and self.offers:
                self.client.decline(list(self.offers.values()), AT_ONCE)
                self.offers.clear()
            return found
        offer = self.until(f"an offer of {cpus} cpus", find)
        return self.offers.pop(offer["id"]["value"])

    def states(self, task_id):
        """The updates of a task, without what differs from run to run."""
        return [tasks.summary(status) for status in self.updates[task_id]]

    def has_state(self, task_id, state):
        """Whether the last update of a task is in a state."""
        return bool(self.updates[task_id]) and self.updates[task_id][-1]["state"] == state

    def ended(self, task_id):
        """Whether a task is over."""
        return bool(self.updates[task_id]) and tasks.is_terminal(self.updates[task_id][-1])


class Scenario:
    """The steps."""

    def __init__(self, client, master, executor_command):
        """The client has not subscribed yet; the executor is one of `pymesos_executor.py`."""
        self.client = client
        self.master = master
        self.executor_command = executor_command
        self.events = Events(client)

    def run(self):
        """Takes all steps; gives the transcript."""
        self.client.start()
        self.events.until("SUBSCRIBED", lambda: self.events.subscribed)
        transcript = {}
        for step in (self.short_tasks, self.kill, self.reconcile, self.decline, self.suppress_and_revive,
                     self.executor, self.teardown):
            begin = time.monotonic()
            transcript[step.__name__] = step()
            print(f"{step.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
        return transcript

    def launch(self, task, offer):
        """Launches one task on an offer."""
        self.client.accept([offer], [tasks.launch([task])], AT_ONCE)

    def launch_long(self, name):
        """Launches a task that does not end, and waits until it runs."""
        offer = self.events.offer(0.2)
        self.launch(tasks.command_task(name, offer, "sleep 1000"), offer)
        self.events.until(f"{name} to run", lambda: self.events.has_state(name, "TASK_RUNNING"))

    def decline_all(self):
        """Gives back every offer at hand."""
        self.events.drain()
        if self.events.offers:
            self.client.decline(list(self.events.offers.values()), AT_ONCE)
            self.events.offers.clear()

    def both_agents(self):
        """Waits for offers of both agents, each with all that it has left."""
        self.decline_all()
        return self.events.until("offers of both agents", lambda: len(self.events.agents()) == 2)

    def short_tasks(self):
        """Many tasks that end by themselves, on both agents."""
        self.both_agents()
        names = [f"short-{number}" for number in range(SHORT_TASKS)]
        waiting = list(names)
        agents = set()
        while waiting:
            offer = self.events.offer(SHORT_TASKS_PER_OFFER * 0.1)
            batch, waiting = waiting[:SHORT_TASKS_PER_OFFER], waiting[SHORT_TASKS_PER_OFFER:]
            agents.add(offer["agent_id"]["value"])
            operation = tasks.launch([tasks.command_task(name, offer, "exit 0") for name in batch])
            self.client.accept([offer], [operation], AT_ONCE)
        self.events.until("all short tasks to end", lambda: all(self.events.ended(name) for name in names))
        runs = {json.dumps(self.events.states(name)) for name in names}
        return {"tasks": len(names), "agents": len(agents), "runs": sorted(map(json.loads, runs))}

    def kill(self):
        """A task that is killed."""
        self.launch_long("killed")
        self.client.kill("killed")
        self.events.until("the killed task to end", lambda: self.events.ended("killed"))
        return self.events.states("killed")

    def reconcile(self):
        """Reconciliation of what is live, of a task that is known, and of one that is not."""
        self.launch_long("long-1")
        self.launch_long("long-2")
        self.client.reconcile([])
        implicit = self.reconciled_until("never-1")
        self.client.reconcile(["long-1"])
        known = self.reconciled_until("never-2")
        return {"implicit": implicit[:-1], "known": known[:-1], "unknown": known[-1:]}

    def reconciled_until(self, unknown):
        """Takes the answers up to that for an unknown task, which comes after all that were asked for before."""
        self.client.reconcile([unknown])
        answers = self.events.until(
            "answers to reconciliation",
            lambda: any(status["task_id"]["value"] == unknown for status in self.events.reconciled)
            and self.events.reconciled)
        self.events.reconciled = []
        answers = [[status["task_id"]["value"], *tasks.summary(status), "uuid" in status] for status in answers]
        return sorted(answers[:-1]) + [["unknown", *answers[-1][1:]]]

    def decline(self):
        """An agent that was declined for an hour is not offered, the other one is."""
        self.both_agents()
        shunned = sorted(self.events.agents())[0]
        offers = [offer for offer in self.events.offers.values() if offer["agent_id"]["value"] == shunned]
        self.client.decline(offers, {"refuse_seconds": 3600.0})
        for offer in offers:
            del self.events.offers[offer["id"]["value"]]
        offered = []
        for _ in range(3):
            self.decline_all()
            self.events.until("an offer of the other agent", lambda: self.events.offers)
            offered += self.events.agents()
        return {"offers": len(offered), "of the declined agent": offered.count(shunned)}

    def suppress_and_revive(self):
        """No offers while suppressed, though another framework gets them; offers of all agents when revived."""
        self.client.suppress()
        witness = V1Client(self.master, tasks.framework_info("witness"))
        witness.start()
        seen = Events(witness)
        offers = 0
        for turn in range(3):
            # What was on its way at the time may still come, in the first turn.
            self.events.drain()
            offers += len(self.events.offers) if turn else 0
            self.decline_all()
            seen.until("offers for the other framework", lambda: len(seen.agents()) == 2)
            witness.decline(list(seen.offers.values()), AT_ONCE)
            seen.offers.clear()
        witness.teardown()
        self.client.revive()
        agents = self.events.until("offers of both agents", lambda: len(self.events.agents()) == 2)
        return {"offers while suppressed": offers, "revived": agents}

    def executor(self):
        """An executor that gets a message, answers, and ends by itself."""
        self.both_agents()
        offer = self.events.offer(0.3)
        agent, executor = offer["agent_id"], {"value": "own"}
        self.launch(tasks.executor_task("on-own", offer, "own", self.executor_command), offer)
        self.events.until("the task of the executor to run", lambda: self.events.has_state("on-own", "TASK_RUNNING"))
        status = self.events.updates["on-own"][-1]
        own = {
            "executor_id": "executor_id" in status,
            "container": sorted(status.get("container_status", {})),
            "agent": status.get("agent_id") == agent,
        }
        self.client.message(agent, executor, b"hello")
        message = self.events.until("the answer of the executor", lambda: self.events.messages)[0]
        self.client.message(agent, executor, b"exit 7")
        self.events.until("the executor to end", lambda: self.events.ended("on-own") and any(
            failure.get("executor_id") == executor for failure in self.events.failures))
        last = self.events.updates["on-own"][-1]
        return {
            "states": self.events.states("on-own"),
            "own": own,
            "message": [message["data"], message["executor_id"], message["agent_id"] == agent],
            "end": last.get("message"),
            "status": [f["status"] for f in self.events.failures if f.get("executor_id") == executor],
        }

    def teardown(self):
        """The framework ends, and with it its tasks."""
        framework_id = self.events.subscribed["framework_id"]["value"]
        self.client.teardown()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            over = [f for f in self.state()["completed_frameworks"] if f["id"] == framework_id]
            if over:
                states = {task["id"]: task["state"] for task in over[0]["completed_tasks"]}
                return {name: states.get(name) for name in ("long-1", "long-2")}
            time.sleep(0.05)
        raise RuntimeError("the framework is not over")

    def state(self):
        """What the master says of itself."""
        connection = http.client.HTTPConnection(self.master, timeout=30)
        connection.request("GET", "/state")
        state = json.load(connection.getresponse())
        connection.close()
        return state
