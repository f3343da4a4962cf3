"""A peer that speaks the messages of libprocess: one-way POSTs to `/PROCESS/MESSAGE-NAME`, in both directions."""

import queue
import socket
import threading


class Process:
    """One process with its own port. Messages come to the queue `inbox`, as (sender, name, bytes)."""

    def __init__(self, identifier, form="1.5"):
        """Listens. `form` is how requests look: 1.5, or 1.0 as old drivers wrote them."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.pid = f"{identifier}@127.0.0.1:{self.listener.getsockname()[1]}"
        self.form = form
        self.inbox = queue.Queue()
        self.lock = threading.Lock()
        self.outbound = {}
        self.inbound = []
        # What there was to see of the requests that came, for checks: (version, names of headers).
        self.requests = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Serves every connection in a thread."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.inbound.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """Takes the requests of a connection, one after another, and answers each."""
        reader = connection.makefile("rb")
        try:
            while request := read_request(reader):
                method, path, version, headers, body = request
                self.requests.append((version, sorted(headers)))
                sender = headers.get("libprocess-from")
                agent = headers.get("user-agent", "")
                if sender is None and agent.startswith("libprocess/"):
                    sender = agent[len("libprocess/"):]
                identifier, _, name = path[1:].partition("/")
                known = method == "POST" and sender and identifier == self.pid.partition("@")[0]
                status = "202 Accepted" if known else "404 Not Found"
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                if known:
                    self.inbox.put((sender, name, body))
                if version == "HTTP/1.0" and headers.get("connection", "").lower() != "keep-alive":
                    break
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def send(self, receiver, name, body):
        """Sends a message over the connection that is kept for the address of the receiver."""
        identifier, _, address = receiver.partition("@")
        if self.form == "1.0":
            head = (f"POST /{identifier}/{name} HTTP/1.0\r\nLibprocess-From: {self.pid}\r\n"
                    f"Connection: Keep-Alive\r\nContent-Length: {len(body)}\r\n\r\n")
            request = head.encode() + body
        else:
            head = (f"POST /{identifier}/{name} HTTP/1.1\r\nUser-Agent: libprocess/{self.pid}\r\n"
                    f"Libprocess-From: {self.pid}\r\nConnection: Keep-Alive\r\nHost: \r\n")
            if body:
                head += f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n"
                request = head.encode() + body + b"\r\n0\r\n\r\n"
            else:
                request = head.encode() + b"\r\n"
        with self.lock:
            if address not in self.outbound:
                self.outbound[address] = self.connect(address)
            self.outbound[address].sendall(request)

    def connect(self, address):
        """Opens a connection, and reads away what is answered on it."""
        host, _, port = address.rpartition(":")
        connection = socket.create_connection((host, int(port)))

        def drain():
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass

        threading.Thread(target=drain, daemon=True).start()
        return connection

    def close(self):
        """Is gone: closes all sockets."""
        for connection in [self.listener, *self.inbound, *self.outbound.values()]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()


def read_request(reader):
    """One request: (method, path, version, headers by lower-case name, body); None at the end."""
    line = reader.readline().decode().strip()
    if not line:
        return None
    method, path, version = line.split(" ")
    headers = {}
    while line := reader.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(reader.readline().split(b";")[0], 16):
            body += reader.read(size)
            reader.readline()
        while reader.readline().strip():
            pass
    else:
        body = reader.read(int(headers.get("content-length", 0)))
    return method, path, version, headers, body
