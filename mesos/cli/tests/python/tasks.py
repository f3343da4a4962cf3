"""Tasks, resources and updates, as the v1 API writes them in JSON."""

import getpass


def framework_info(name):
    """A framework without any capability."""
    return {"user": getpass.getuser(), "name": name, "checkpoint": False, "failover_timeout": 60.0}


def resources(cpus, mem):
    """Unreserved cpus and memory."""
    return [
        {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}},
        {"name": "mem", "type": "SCALAR", "scalar": {"value": mem}},
    ]


def command_task(name, offer, command, cpus=0.1):
    """A task that runs a shell command."""
    return {
        "name": name,
        "task_id": {"value": name},
        "agent_id": offer["agent_id"],
        "resources": resources(cpus, 32.0),
        "command": {"shell": True, "value": command},
    }


def executor_task(name, offer, executor_id, command, data=None):
    """A task for an executor of its own."""
    task = {
        "name": name,
        "task_id": {"value": name},
        "agent_id": offer["agent_id"],
        "resources": resources(0.1, 32.0),
        "executor": {
            "executor_id": {"value": executor_id},
            "name": executor_id,
            "command": {"shell": True, "value": command},
            "resources": resources(0.1, 32.0),
        },
    }
    if data is not None:
        task["data"] = data
    return task


def launch(tasks):
    """The operation that launches tasks."""
    return {"type": "LAUNCH", "launch": {"task_infos": tasks}}


def cpus(offer):
    """How many cpus an offer has."""
    return sum(r["scalar"]["value"] for r in offer["resources"] if r["name"] == "cpus")


def summary(status):
    """What must be the same in every client: the state of an update, its reason, and its source."""
    return [status["state"], status.get("reason", "-"), status.get("source", "-")]


TERMINAL = {
    "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR", "TASK_DROPPED", "TASK_GONE",
    "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN",
}


def is_terminal(status):
    """Whether a task is over."""
    return status["state"] in TERMINAL
