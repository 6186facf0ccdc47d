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

"""The memory of the logins of many users in one process."""

import gc
import multiprocessing
import pathlib
import re
import uuid

from keystoneauth1 import access
from oslo_config import cfg

from benchmarks import federations
from benchmarks import results
from benchmarks import world as the_world
from mixmatch import conf as mixmatch_conf
from mixmatch.login import cache
from mixmatch.login import login
from mixmatch.login import shared_cache
from mixmatch import metrics
from mixmatch import requester
from sandbox import topology

TITLE = 'memory of 10,000 users\' logins in one process'
USERS = 10_000
REPETITIONS = 5
QUICK = 2
#: An id of Keystone in a token's body.
_ID = re.compile(rb'"[0-9a-f]{32}"')


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    real = _real(world)
    # NOTE: a new process each time, since Python seldom gives back memory.
    with multiprocessing.get_context('spawn').Pool(
            1, maxtasksperchild=1) as pool:
        used = [pool.apply(fill, (real, USERS))
                for _ in range(QUICK if quick else REPETITIONS)]
    found.count('memory_token_bytes', 'a real login: token and what is said '
                'of it', len(real.token) + len(real.body), unit='bytes')
    found.median('memory_login_bytes', 'memory of each kept login',
                 [each / USERS for each in used], 'bytes')
    total = [each / 2**20 for each in used]
    found.median('memory_10000_mib', f'memory of {USERS:,} of them', total,
                 'MiB')
    found.draw(f'{USERS:,} logins', total, 'MiB')


def _real(world: the_world.World) -> login.Login:
    """A login of alice at the partner, as the core keeps it."""
    who = world.fresh()
    there = federations.clouds([topology.PROVIDER]).user_login(
        topology.PROVIDER, requester.Requester(who.token, who.project_id)
    ).get_access(None)
    here = who.access
    assert isinstance(there, access.AccessInfoV3)
    return login.from_tokens(there, here, longest=3600)


def fill(real: login.Login, count: int) -> int:
    """Bytes by which the process grows with so many logins of that size.

    Runs in a process of its own. Ids and tokens differ, lengths do not.
    """
    conf = cfg.ConfigOpts()
    mixmatch_conf.register_opts(conf)
    conf([])
    kept = cache.LoginCache(count, shared_cache.SharedLoginCache(conf),
                            metrics.Metrics(conf))
    _keep(kept, real)
    gc.collect()
    before = _resident()
    for _ in range(count):
        _keep(kept, real)
    gc.collect()
    return _resident() - before


def _keep(kept: cache.LoginCache, real: login.Login) -> None:
    own = uuid.uuid4().hex
    key = login.Key(topology.PROVIDER, own + own, f'{own} ' + own)
    made = login.Login(
        token=own + real.token[len(own):],
        body=_ID.sub(b'"' + own.encode() + b'"', real.body),
        made=real.made, until=real.until)
    kept.get(key, lambda: made)


def _resident() -> int:
    status = pathlib.Path('/proc/self/status').read_text()
    found = re.search(r'VmRSS:\s+(\d+) kB', status)
    assert found
    return int(found[1]) * 1024
