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

"""Images: boot and download of a foreign one against a local one."""

import collections
from collections.abc import Iterator
import contextlib
import os
import pathlib
import re
import tempfile
import time
from typing import BinaryIO

from benchmarks import federations
from benchmarks import results
from benchmarks import samples
from benchmarks.sections import ask
from benchmarks import world as the_world
from sandbox import client
from sandbox import paste
from sandbox import process
from sandbox import topology
from sandbox import verbs

TITLE = 'images: foreign against local'
REPETITIONS = 20
QUICK = 3
SIZE = 64 * 1024 * 1024
#: Bytes of the image whose download shows what memory it takes.
LARGE, QUICK_LARGE = 8 << 30, 1 << 30
PIECE, LOOK = 1 << 16, 1 << 26
#: MiB by which home's glance-api may grow meanwhile: its pieces have 64 KiB.
GROWTH = 8
#: Warm boot; first download against that of bu and of home together.
BOOT, DOWNLOAD = 1.05, 1.3

LOCAL, FOREIGN, THERE = 'local', 'foreign', 'at the provider'


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    repetitions = QUICK if quick else REPETITIONS
    with _images(world) as (local, foreign):
        with _filter(world, cache=False):
            _first_downloads(world, found, local, foreign, repetitions)
            _boots(world, found, {LOCAL: local, FOREIGN: foreign},
                   repetitions)
            _memory(world, found, QUICK_LARGE if quick else LARGE)
        with federations.registrations(world, ask.MANY) as names:
            _lists(world, found, names, repetitions)
        with _filter(world, cache=True):
            _cached_downloads(world, found, local, foreign, repetitions)


@contextlib.contextmanager
def _images(world: the_world.World) -> Iterator[tuple[str, str]]:
    """Two images with the same bits: of home and of the provider."""
    bits = os.urandom(SIZE)
    with contextlib.ExitStack() as stack:
        yield (_image(stack, world.alice, bits),
               _image(stack, world.alice_there, bits))


def _image(stack: contextlib.ExitStack, who: the_world.Person,
           bits: bytes | BinaryIO) -> str:
    glance = who.api('image')
    image_id = glance.post('/v2/images', json={
        'name': f'{the_world.PREFIX}image', 'disk_format': 'raw',
        'container_format': 'bare'}).json()['id']
    stack.callback(glance.delete, f'/v2/images/{image_id}')
    glance.put(f'/v2/images/{image_id}/file', data=bits, headers={
        'Content-Type': 'application/octet-stream'})
    return image_id


@contextlib.contextmanager
def _filter(world: the_world.World, cache: bool) -> Iterator[None]:
    """Home's Glance has the filter, and may keep bits."""
    folder = world.site.var(topology.by_name(topology.HOME), 'glance')
    sandbox = client.sandbox()
    with contextlib.ExitStack() as stack:
        if cache:
            stack.enter_context(paste.changed(
                sandbox, topology.HOME,
                paste.keeping_images(folder / 'cache'), 'glance-api.conf',
                'glance'))
        stack.enter_context(paste.changed(
            sandbox, topology.HOME, paste.with_images,
            'glance-api-paste.ini', 'glance'))
        yield


def _receive(who: the_world.Person, image_id: str, size: int
             ) -> Iterator[int]:
    """Download an image; yields how many bytes have come."""
    response = who.api('image').get(f'/v2/images/{image_id}/file',
                                    stream=True)
    received = 0
    for piece in response.iter_content(PIECE):
        received += len(piece)
        yield received
    assert received == size, received


def _download(who: the_world.Person, image_id: str) -> float:
    """Return the seconds that a download takes."""
    began = time.monotonic()
    collections.deque(_receive(who, image_id, SIZE), maxlen=0)
    return time.monotonic() - began


def _first_downloads(world: the_world.World, found: results.Results,
                     local: str, foreign: str, repetitions: int) -> None:
    calls = {LOCAL: (world.alice, local), FOREIGN: (world.alice, foreign),
             THERE: (world.alice_there, foreign)}
    times: dict[str, samples.Sample] = {kind: [] for kind in calls}
    samples.interleaved(
        calls, repetitions,
        lambda kind: times[kind].append(_download(*calls[kind])),
        found.progress)
    for kind, values in times.items():
        found.median(f'image_download_{kind.split()[-1]}_s',
                     f'download of {SIZE >> 20} MiB, {kind}', values, 's')
        found.draw(f'download, {kind}', values, 's')
    found.ratio('image_first_download_ratio',
                '  foreign against local and at the provider together',
                times[FOREIGN], [here + there for here, there in zip(
                    times[LOCAL], times[THERE])], DOWNLOAD)


def _lists(world: the_world.World, found: results.Results,
           names: list[str], repetitions: int) -> None:
    """Ask 1, 10 and 100 service providers for their images."""
    who = world.fresh()
    federations.AskingForImages(federations.clouds(
        names, ask_threads=ask.LOGINS_AT_ONCE), who).log_in(names)
    ask.ask_living(world, found, names, federations.AskingForImages(
        federations.clouds(names), who), repetitions)


def _memory(world: the_world.World, found: results.Results, size: int
            ) -> None:
    """Measure what a process of home's Glance grows by during a download."""
    pids = list(process.Supervisor(world.site).family(verbs.find(
        world.site, topology.HOME, 'glance-api')))
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        # It takes no space here, and all of it on its way.
        file.truncate(size)
        image_id = _image(stack, world.alice_there, file)
        before, most = _resident(pids), 0.0
        for received in _receive(world.alice, image_id, size):
            if not received % LOOK:
                most = max(most, _resident(pids) - before)
    found.count('image_download_growth_mib',
                "growth of home's Glance by a download of "
                f'{size >> 30} GiB', most, GROWTH, unit='MiB')


def _resident(pids: list[int]) -> float:
    """Return the memory of processes, in MiB."""
    return sum(int(re.findall(
        r'VmRSS:\s+(\d+) kB', pathlib.Path(f'/proc/{pid}/status').read_text()
    )[0]) for pid in pids) / 1024


def _cached_downloads(world: the_world.World, found: results.Results,
                      local: str, foreign: str, repetitions: int) -> None:
    for _ in range(2):
        _download(world.alice, foreign)
    images = {LOCAL: local, FOREIGN: foreign}
    times: dict[str, samples.Sample] = {kind: [] for kind in images}
    samples.interleaved(
        images, repetitions, lambda kind: times[kind].append(
            _download(world.alice, images[kind])), found.progress)
    found.ratio('image_cached_download_ratio',
                'download from the cache against local', times[FOREIGN],
                times[LOCAL])
    found.draw('download, from the cache', times[FOREIGN], 's')


def _boots(world: the_world.World, found: results.Results,
           images: dict[str, str], repetitions: int) -> None:
    """Boots on a host that has the bits of both."""
    times: dict[str, samples.Sample] = {kind: [] for kind in images}

    def measure(kind: str) -> None:
        times[kind].append(world.boot(images[kind]))
    for kind in images:
        found.count(f'image_cold_boot_{kind}_s',
                    f'cold boot, {kind}', world.boot(images[kind]), unit='s')
    samples.interleaved(images, repetitions, measure, found.progress)
    for kind, values in times.items():
        found.median(f'image_warm_boot_{kind}_s', f'warm boot, {kind}',
                     values, 's')
        found.draw(f'warm boot, {kind}', values, 's')
    found.ratio('image_warm_boot_ratio', '  foreign against local',
                times[FOREIGN], times[LOCAL], BOOT)
