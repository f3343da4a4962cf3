"""An executor on the driver of pymesos: its tasks run until they are killed, and it answers messages."""

import base64
import logging
import os

import pymesos


class Executor(pymesos.Executor):
    """Sends no states but those of the methods below."""

    def launchTask(self, driver, task):
        """Says that the task runs."""
        driver.sendStatusUpdate({"task_id": task["task_id"], "state": "TASK_RUNNING"})

    def killTask(self, driver, task_id):
        """Says that the task is over."""
        driver.sendStatusUpdate({"task_id": task_id, "state": "TASK_KILLED"})

    def frameworkMessage(self, driver, message):
        """Ends with status N when told `exit N`; else sends the message back."""
        data = base64.b64decode(message)
        if data.startswith(b"exit "):
            os._exit(int(data[5:]))
        driver.sendFrameworkMessage(base64.b64encode(b"echo: " + data).decode())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    pymesos.MesosExecutorDriver(Executor()).run()
