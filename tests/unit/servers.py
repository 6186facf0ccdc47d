# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Servers on loopback, for what a double of requests cannot show."""

import socket
import threading

import fixtures

#: Seconds to wait for a thread that has been told to end.
JOIN = 5


class Server(fixtures.Fixture):
    """Answers each request with the next of its answers.

    :param answers: bytes to send; None closes the connection instead; what
        can be called is given the connection. The last one stays.
    """

    def __init__(self, *answers):
        super().__init__()
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._open = []
        self._threads = []
        #: (number of the connection, first line, headers) of each request
        self.requests = []

    def _setUp(self):
        listener = socket.create_server(('127.0.0.1', 0))
        self.port = listener.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}/'
        acceptor = threading.Thread(target=self._accept, args=(listener,),
                                    daemon=True)
        self.addCleanup(self._end, listener, acceptor)
        acceptor.start()

    def _accept(self, listener):
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(
                target=self._serve, args=(connection, number), daemon=True)
            self._open.append(connection)
            self._threads.append(thread)
            thread.start()
            number += 1

    def _serve(self, connection, number):
        with connection, connection.makefile('rb') as stream:
            try:
                while self._answer(connection, number, stream):
                    pass
            except OSError:
                # The other end has gone, or the test is over.
                return

    def _answer(self, connection, number, stream):
        first = stream.readline().decode().strip()
        if not first:
            return False
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(': ')
            headers[name.lower()] = value
        stream.read(int(headers.get('content-length', 0)))
        with self._lock:
            self.requests.append((number, first, headers))
            answer = (self._answers.pop(0) if len(self._answers) > 1
                      else self._answers[0])
        if answer is None:
            return False
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)
        return True

    def _end(self, listener, acceptor):
        # NOTE: close() alone does not wake who waits in accept(), and what
        # still waits would wait for the next socket with the same number.
        _shut_down(listener)
        acceptor.join(JOIN)
        for connection in self._open:
            _shut_down(connection)
        for thread in self._threads:
            thread.join(JOIN)
        for each in (listener, *self._open):
            each.close()


def _shut_down(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def reset(connection):
    """Reset a connection, as an answer."""
    # With this option close() sends a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b'\1\0\0\0\0\0\0\0')
    connection.shutdown(socket.SHUT_RD)
    raise OSError('end')


def answer(body=b'{}', status='200 OK', **headers):
    """An answer in HTTP that keeps the connection."""
    lines = [f'HTTP/1.1 {status}', f'Content-Length: {len(body)}',
             *(f'{name.replace("_", "-")}: {value}'
               for name, value in headers.items())]
    return '\r\n'.join([*lines, '', '']).encode() + body
