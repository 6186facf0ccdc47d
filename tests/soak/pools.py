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

"""Filling of the pools of threads that home asks the provider with.

A pool makes a thread when a call finds none free, and keeps it. So it grows
to as many as ever asked at the same time, which an outage brings about sooner
or later: each thread that serves a request then waits for the same cloud.
"""

from concurrent import futures
import signal
import uuid

from sandbox import client
from sandbox import process
from sandbox import topology
from sandbox import verbs
from tests.soak import users

#: Requests of each kind at the same time: more than the APIs of home have
#: threads that serve them, so that each of these has one.
REQUESTS = 24

#: Seconds in which the provider is known to be up again.
RECOVERY = 60


def fill(sandbox: client.Sandbox, user: users.User) -> None:
    """Have each thread of home's APIs wait for the provider once.

    :param user: with a server and a volume
    """
    site = sandbox.site
    supervisor = process.Supervisor(site)
    hung = verbs.find(site, topology.PROVIDER, 'cinder-api')

    volumes = user.person.api('block-storage')

    # Volumes that no cloud has, so home has to ask for each.
    def attach() -> None:
        user.nova.post(user.attachments_url(), json={
            'volumeAttachment': {'volumeId': str(uuid.uuid4())}})

    def show() -> None:
        volumes.get(f'/volumes/{uuid.uuid4()}')
    supervisor.signal(hung, signal.SIGSTOP)
    try:
        with futures.ThreadPoolExecutor(2 * REQUESTS) as pool:
            asked = [pool.submit(each) for each in [attach, show] * REQUESTS]
        for each in asked:
            each.result()
    finally:
        supervisor.signal(hung, signal.SIGCONT)
    client.wait_for(f'{topology.PROVIDER} after it was hung', lambda: (
        user.status(user.volumes[0]) == 'available'), patience=RECOVERY)
