"""Takes the steps of `scenario.py` with our own v1 client. Usage: v1_scheduler.py MASTER DESCRIPTORS json|protobuf"""

import json
import os
import sys

import tasks
from scenario import Scenario
from v1_client import V1Client


def main():
    """Prints the transcript as the last line."""
    master, descriptors, encoding = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    executor = f"exec {sys.executable} -B {here}/pymesos_executor.py"
    client = V1Client(master, tasks.framework_info(f"v1-{encoding}"), encoding, descriptors)
    print(json.dumps(Scenario(client, master, executor).run(), sort_keys=True))


if __name__ == "__main__":
    main()
