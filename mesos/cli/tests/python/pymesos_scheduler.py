"""Takes the steps of `scenario.py` with the driver of pymesos. Usage: pymesos_scheduler.py MASTER"""

import base64
import json
import logging
import os
import queue
import sys

import pymesos

import tasks
from scenario import Scenario


class PymesosClient(pymesos.Scheduler):
    """A framework on the driver of pymesos, with the face of `v1_client.V1Client`."""

    def __init__(self, master, info):
        """Prepares a driver; it acknowledges updates by itself."""
        self.events = queue.Queue()
        self.driver = pymesos.MesosSchedulerDriver(self, info, master)

    def registered(self, driver, framework_id, master_info):
        """The master took the framework in."""
        self.events.put(("subscribed", {"framework_id": framework_id, "master_info": master_info}))

    def resourceOffers(self, driver, offers):
        """Resources are on offer."""
        self.events.put(("offers", {"offers": offers}))

    def offerRescinded(self, driver, offer_id):
        """An offer is void."""
        self.events.put(("rescind", {"offer_id": offer_id}))

    def statusUpdate(self, driver, status):
        """A task is in a new state."""
        self.events.put(("update", {"status": status}))

    def frameworkMessage(self, driver, executor_id, agent_id, data):
        """An executor sent bytes."""
        self.events.put(("message", {"executor_id": executor_id, "agent_id": agent_id, "data": data}))

    def executorLost(self, driver, executor_id, agent_id, status):
        """An executor ended."""
        self.events.put(("failure", {"executor_id": executor_id, "agent_id": agent_id, "status": status}))

    def slaveLost(self, driver, agent_id):
        """An agent is gone."""
        self.events.put(("failure", {"agent_id": agent_id}))

    def error(self, driver, message):
        """The framework cannot go on."""
        self.events.put(("error", message))

    def start(self):
        """Subscribes."""
        self.driver.start()

    def accept(self, offers, operations, filters=None):
        """Accepts offers; launches go by the older method, which frameworks use most."""
        task_infos = [task for operation in operations for task in operation["launch"]["task_infos"]]
        self.driver.launchTasks([offer["id"] for offer in offers], task_infos, filters)

    def decline(self, offers, filters=None):
        """Declines offers."""
        self.driver.declineOffer([offer["id"] for offer in offers], filters)

    def kill(self, task_id):
        """Kills a task."""
        self.driver.killTask({"value": task_id})

    def reconcile(self, task_ids):
        """Asks for the states of tasks, or of all that are live."""
        self.driver.reconcileTasks([{"task_id": {"value": task_id}} for task_id in task_ids])

    def suppress(self):
        """Wants no offers."""
        self.driver.suppressOffers()

    def revive(self):
        """Wants offers again."""
        self.driver.reviveOffers()

    def message(self, agent_id, executor_id, data):
        """Sends bytes to an executor."""
        self.driver.sendFrameworkMessage(executor_id, agent_id, base64.b64encode(data).decode())

    def teardown(self):
        """Ends the framework."""
        self.driver.stop()
        self.driver.join()


def main():
    """Prints the transcript as the last line."""
    logging.basicConfig(level=logging.INFO)
    (master,) = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    executor = f"exec {sys.executable} -B {here}/pymesos_executor.py"
    client = PymesosClient(master, tasks.framework_info("pymesos"))
    print(json.dumps(Scenario(client, master, executor).run(), sort_keys=True))


if __name__ == "__main__":
    main()
