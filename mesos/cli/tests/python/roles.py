"""Two frameworks of pymesos in roles with quota, weights and reservations. Usage: roles.py MASTER

Six equal agents of 2 cpus and 2048 MB each. Prints what each framework is offered, step by step.
"""

import http.client
import json
import sys
import time

import tasks
from pymesos_scheduler import PymesosClient
from scenario import AT_ONCE, PATIENCE_SECONDS, Events

QUOTA = [
    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}},
    {"name": "mem", "type": "SCALAR", "scalar": {"value": 512.0}},
]


class Operator:
    """Who sets quotas, weights and reservations."""

    def __init__(self, master):
        """Asks one master."""
        self.master = master

    def ask(self, method, path, body=None):
        """Gives the status and the text of an answer."""
        connection = http.client.HTTPConnection(self.master, timeout=30)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        result = answer.status, answer.read().decode()
        connection.close()
        return result

    def change(self, method, path, body=None):
        """Does something that must be done."""
        status, text = self.ask(method, path, body)
        if status not in (200, 202):
            raise RuntimeError(f"{method} {path}: {status} {text}")

    def runs(self):
        """How many cycles of the allocator there were."""
        status, text = self.ask("GET", "/metrics/snapshot")
        if status != 200:
            raise RuntimeError(f"metrics: {status} {text}")
        return json.loads(text)["allocator/mesos/allocation_runs"]

    def explain(self, role):
        """Why a role gets nothing."""
        call = {"type": "EXPLAIN_ROLE", "explain_role": {"role": role}}
        status, text = self.ask("POST", "/api/ext/v1", call)
        if status != 200:
            raise RuntimeError(f"explain: {status} {text}")
        return json.loads(text)["explain_role"]


class Framework:
    """A framework in a role, which keeps what it is offered."""

    def __init__(self, master, role):
        """Subscribes."""
        self.client = PymesosClient(master, {**tasks.framework_info(role), "role": role})
        self.client.start()
        self.events = Events(self.client)
        self.events.until("SUBSCRIBED", lambda: self.events.subscribed)

    def total(self, name, reserved=None):
        """How much it is offered of a resource, of all or of what is reserved for a role or for nobody."""
        self.events.drain()
        resources = [one for offer in self.events.offers.values() for one in offer["resources"]]
        return sum(one["scalar"]["value"] for one in resources
                   if one["name"] == name and reserved in (None, one.get("role", "*")))

    def agents(self):
        """On how many agents it is offered something."""
        self.events.drain()
        return len(self.events.agents())

    def catch_up(self):
        """Takes what the master has sent so far: the answer to a question comes behind it."""
        self.client.reconcile(["never"])
        self.events.until("the answer about a task that never was", lambda: self.events.reconciled)
        self.events.reconciled = []

    def give_back(self):
        """Declines everything, to have it again."""
        self.events.drain()
        if self.events.offers:
            self.client.decline(list(self.events.offers.values()), AT_ONCE)
            self.events.offers.clear()


def until(what, condition):
    """Waits until a condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.05)


def settle(operator, *frameworks):
    """Waits for cycles that begin and end after what was done before, and for their offers."""
    before = operator.runs()
    until("three cycles", lambda: operator.runs() >= before + 3)
    for framework in frameworks:
        framework.catch_up()


def quota(operator, master):
    """A quota without a framework holds back what it needs; with one, it is served to the digit."""
    operator.change("POST", "/quota", {"role": "q", "guarantee": QUOTA})
    other = Framework(master, "n")
    settle(operator, other)
    held = other.agents()
    reasons = operator.explain("n")
    mine = Framework(master, "q")
    until("the quota", lambda: mine.total("cpus") > 0)
    settle(operator, other, mine)
    return other, mine, {
        "agents of n while q is away": held,
        "n is told why": bool(reasons.get("headroom_required")),
        "q": [mine.total("cpus"), mine.total("mem")],
        "n gets the rest": [other.total("cpus"), other.total("mem")],
    }


def reservation(operator, other, mine):
    """What is reserved for a role is offered to it alone."""
    other.give_back()
    mine.give_back()
    agent = json.loads(operator.ask("GET", "/slaves")[1])["slaves"][0]["id"]
    reserved = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5},
                "reservations": [{"type": "DYNAMIC", "role": "n"}]}
    call = {"type": "RESERVE_RESOURCES",
            "reserve_resources": {"agent_id": {"value": agent}, "resources": [reserved]}}
    operator.change("POST", "/api/v1", call)
    until("the reservation", lambda: other.total("cpus", "n") == 0.5)
    settle(operator, other, mine)
    seen = {"n": other.total("cpus", "n"), "q": mine.total("cpus", "n")}
    call = {"type": "UNRESERVE_RESOURCES",
            "unreserve_resources": {"agent_id": {"value": agent}, "resources": [reserved]}}
    operator.change("POST", "/api/v1", call)
    return seen


def weights(operator, other, mine):
    """Without a quota the weights decide: 1 to 2 is two agents of six to four."""
    operator.change("DELETE", "/quota/q")
    # All offers are taken back, and go out again in one cycle.
    operator.change("PUT", "/weights", [{"role": "n", "weight": 1.0}, {"role": "q", "weight": 2.0}])
    until("all agents", lambda: mine.agents() + other.agents() == 6)
    settle(operator, other, mine)
    return {"n": other.agents(), "q": mine.agents()}


def main():
    """Prints the transcript as the last line."""
    (master,) = sys.argv[1:]
    operator = Operator(master)
    other, mine, transcript = quota(operator, master)
    transcript = {"quota": transcript, "reservation": reservation(operator, other, mine),
                  "weights": weights(operator, other, mine)}
    for framework in (other, mine):
        framework.client.teardown()
    print(json.dumps(transcript, sort_keys=True))


if __name__ == "__main__":
    main()
