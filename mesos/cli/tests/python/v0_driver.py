"""What a scheduler driver of the old protocol sends, in the form of Mesos 1.5 and in that of its predecessors."""

import uuid

import libprocess


class Driver:
    """A framework. With `calls` it sends everything as mesos.scheduler.Call, as the driver of 1.5 does; else by the
    older messages, one for each kind of call."""

    def __init__(self, messages, master, calls, form):
        """Is not registered yet."""
        self.messages = messages
        self.master = master
        self.calls = calls
        self.process = libprocess.Process(f"scheduler-{uuid.uuid4()}", form)
        self.framework_id = None

    def send(self, name, **fields):
        """Sends a message of mesos.internal to the master."""
        message = self.messages[f"mesos.internal.{name}"](**fields)
        self.process.send(self.master, f"mesos.internal.{name}", message.SerializeToString())

    def call(self, kind, fill=lambda call: None):
        """Sends a call to the master."""
        call = self.messages["mesos.scheduler.Call"]()
        call.type = call.DESCRIPTOR.enum_types_by_name["Type"].values_by_name[kind].number
        if self.framework_id is not None:
            call.framework_id.CopyFrom(self.framework_id)
        fill(call)
        self.process.send(self.master, "mesos.scheduler.Call", call.SerializeToString())

    def subscribe(self, info):
        """Registers; with an id in the info, takes the place of the framework of that id."""
        failover = info.HasField("id")
        if failover:
            self.framework_id = info.id
        if self.calls:
            def fill(call):
                call.subscribe.framework_info.CopyFrom(info)
                call.subscribe.force = failover
            self.call("SUBSCRIBE", fill)
        elif failover:
            self.send("ReregisterFrameworkMessage", framework=info, failover=True)
        else:
            self.send("RegisterFrameworkMessage", framework=info)

    def launch(self, offers, tasks, refuse_seconds=0.0):
        """Launches tasks on offers; without tasks, declines them."""
        ids = [offer.id for offer in offers]
        filters = self.messages["mesos.Filters"](refuse_seconds=refuse_seconds)
        if not self.calls:
            self.send("LaunchTasksMessage", framework_id=self.framework_id, tasks=tasks, filters=filters,
                      offer_ids=ids)
        elif tasks:
            def fill(call):
                call.accept.offer_ids.extend(ids)
                call.accept.filters.CopyFrom(filters)
                operation = call.accept.operations.add()
                operation.type = 1
                operation.launch.task_infos.extend(tasks)
            self.call("ACCEPT", fill)
        else:
            def fill(call):
                call.decline.offer_ids.extend(ids)
                call.decline.filters.CopyFrom(filters)
            self.call("DECLINE", fill)

    def acknowledge(self, update):
        """Acknowledges an update."""
        if self.calls:
            def fill(call):
                call.acknowledge.slave_id.CopyFrom(update.slave_id)
                call.acknowledge.task_id.CopyFrom(update.status.task_id)
                call.acknowledge.uuid = update.uuid
            self.call("ACKNOWLEDGE", fill)
        else:
            self.send("StatusUpdateAcknowledgementMessage", slave_id=update.slave_id,
                      framework_id=self.framework_id, task_id=update.status.task_id, uuid=update.uuid)

    def kill(self, task_id):
        """Kills a task."""
        task_id = self.messages["mesos.TaskID"](value=task_id)
        if self.calls:
            self.call("KILL", lambda call: call.kill.task_id.CopyFrom(task_id))
        else:
            self.send("KillTaskMessage", framework_id=self.framework_id, task_id=task_id)

    def revive(self):
        """Lifts all filters."""
        if self.calls:
            self.call("REVIVE")
        else:
            self.send("ReviveOffersMessage", framework_id=self.framework_id)

    def reconcile(self, task_ids):
        """Asks for the states of tasks, or of all that are live."""
        ids = [self.messages["mesos.TaskID"](value=task_id) for task_id in task_ids]
        if self.calls:
            def fill(call):
                call.reconcile.SetInParent()
                for task_id in ids:
                    call.reconcile.tasks.add().task_id.CopyFrom(task_id)
            self.call("RECONCILE", fill)
        else:
            statuses = [self.messages["mesos.TaskStatus"](task_id=task_id, state="TASK_STAGING") for task_id in ids]
            self.send("ReconcileTasksMessage", framework_id=self.framework_id, statuses=statuses)

    def message(self, slave_id, executor_id, data):
        """Sends bytes to an executor."""
        executor_id = self.messages["mesos.ExecutorID"](value=executor_id)
        if self.calls:
            def fill(call):
                call.message.slave_id.CopyFrom(slave_id)
                call.message.executor_id.CopyFrom(executor_id)
                call.message.data = data
            self.call("MESSAGE", fill)
        else:
            self.send("FrameworkToExecutorMessage", slave_id=slave_id, framework_id=self.framework_id,
                      executor_id=executor_id, data=data)

    def teardown(self):
        """Ends the framework."""
        if self.calls:
            self.call("TEARDOWN")
        else:
            self.send("UnregisterFrameworkMessage", framework_id=self.framework_id)
