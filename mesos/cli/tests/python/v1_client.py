"""A client of the v1 scheduler API, over plain sockets, in JSON or in protobuf."""

import base64
import http.client
import json
import queue
import threading

from google.protobuf import json_format

from messages import Messages


class V1Client:
    """A framework. Its events come to the queue `events`, as dictionaries of the JSON form."""

    def __init__(self, master, info, encoding="json", descriptors=None):
        """Prepares a framework that speaks `encoding`: json, or protobuf with the classes of `descriptors`."""
        self.master = master
        self.info = info
        self.events = queue.Queue()
        self.framework_id = None
        self.stream_id = None
        self.connection = None
        if encoding == "protobuf":
            messages = Messages(descriptors)
            self.call_class = messages["mesos.v1.scheduler.Call"]
            self.event_class = messages["mesos.v1.scheduler.Event"]
            self.media = "application/x-protobuf"
        else:
            self.call_class = None
            self.media = "application/json"

    def start(self):
        """Subscribes, and reads events from then on in a thread."""
        self.connection = http.client.HTTPConnection(self.master)
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info}}
        if "id" in self.info:
            call["framework_id"] = self.info["id"]
        self.connection.request("POST", "/api/v1/scheduler", self.encode(call), self.headers())
        response = self.connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"SUBSCRIBE is answered by {response.status}: {response.read()}")
        self.stream_id = response.getheader("Mesos-Stream-Id")
        threading.Thread(target=self.read, args=(response,), daemon=True).start()

    def headers(self):
        """The headers of a call."""
        headers = {"Content-Type": self.media, "Accept": self.media}
        if self.stream_id:
            headers["Mesos-Stream-Id"] = self.stream_id
        return headers

    def encode(self, call):
        """The bytes of a call."""
        if self.call_class is None:
            return json.dumps(call).encode()
        return json_format.ParseDict(call, self.call_class()).SerializeToString()

    def decode(self, record):
        """An event, from its bytes."""
        if self.call_class is None:
            return json.loads(record)
        event = self.event_class.FromString(record)
        return json_format.MessageToDict(event, preserving_proto_field_name=True)

    def read(self, response):
        """Reads records until the stream ends."""
        try:
            while True:
                length = response.readline()
                if not length:
                    break
                record = response.read(int(length))
                event = self.decode(record)
                kind = event["type"].lower()
                if kind == "subscribed":
                    self.framework_id = event["subscribed"]["framework_id"]
                if kind == "update":
                    self.acknowledge(event["update"]["status"])
                if kind != "heartbeat":
                    self.events.put((kind, event[kind]))
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.events.put(("disconnected", str(error)))
            return
        self.events.put(("disconnected", "end of stream"))

    def call(self, kind, **member):
        """Makes a call, and insists on 202."""
        call = {"type": kind, "framework_id": self.framework_id, **member}
        connection = http.client.HTTPConnection(self.master, timeout=30)
        connection.request("POST", "/api/v1/scheduler", self.encode(call), self.headers())
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 202 or body:
            raise RuntimeError(f"{kind} is answered by {response.status}: {body}")

    def accept(self, offers, operations, filters=None):
        """Accepts offers for operations."""
        accept = {"offer_ids": [offer["id"] for offer in offers], "operations": operations}
        if filters:
            accept["filters"] = filters
        self.call("ACCEPT", accept=accept)

    def decline(self, offers, filters=None):
        """Declines offers."""
        decline = {"offer_ids": [offer["id"] for offer in offers]}
        if filters:
            decline["filters"] = filters
        self.call("DECLINE", decline=decline)

    def kill(self, task_id):
        """Kills a task."""
        self.call("KILL", kill={"task_id": {"value": task_id}})

    def reconcile(self, task_ids):
        """Asks for the states of tasks, or of all that are live."""
        self.call("RECONCILE", reconcile={"tasks": [{"task_id": {"value": task_id}} for task_id in task_ids]})

    def acknowledge(self, status):
        """Acknowledges an update, unless it needs none."""
        if "uuid" in status:
            member = {key: status[key] for key in ("agent_id", "task_id", "uuid")}
            self.call("ACKNOWLEDGE", acknowledge=member)

    def suppress(self):
        """Wants no offers."""
        self.call("SUPPRESS")

    def revive(self):
        """Wants offers again."""
        self.call("REVIVE")

    def message(self, agent_id, executor_id, data):
        """Sends bytes to an executor."""
        message = {"agent_id": agent_id, "executor_id": executor_id, "data": base64.b64encode(data).decode()}
        self.call("MESSAGE", message=message)

    def teardown(self):
        """Ends the framework."""
        self.call("TEARDOWN")
