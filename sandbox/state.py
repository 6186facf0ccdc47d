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

"""The state folder: where everything of a sandbox lies."""

import dataclasses
import hashlib
import json
import os
import pathlib
import threading

from sandbox import model
from sandbox import topology

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
RELEASES = ('2026.2', '2026.1', '2025.2', '2025.1')
COMPUTES = ('libvirt', 'fake')


class Error(Exception):
    """Something that the person at the keyboard must know."""


@dataclasses.dataclass(frozen=True)
class Mode:
    """Kind of a sandbox."""

    release: str = RELEASES[0]
    compute: str = COMPUTES[0]
    plain: bool = False
    patient: bool = False
    #: Clouds that have a Nova now that they do not have by themselves.
    with_nova: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (f'{self.release}, {self.compute}'
                + (', plain' if self.plain else '')
                + (', patient' if self.patient else '')
                + ''.join(f', {name} with a Nova'
                          for name in self.with_nova))


class Site:
    """One sandbox: a mode in a state folder."""

    def __init__(self, root: pathlib.Path, mode: Mode) -> None:
        if any(letter.isspace() for letter in str(root)):
            raise Error(f'the state folder {root} must not contain spaces')
        self.root = root
        self.mode = mode
        self.clouds = topology.clouds(mode.with_nova)
        self.instance = root / f'{mode.release}-{mode.compute}'
        self.installed = installed(root)
        self.venv = self.installed / f'venv-{mode.release}'
        self._lock = threading.Lock()

    @property
    def fake(self) -> bool:
        """Return whether Nova and Cinder use fake drivers."""
        return self.mode.compute == 'fake'

    @property
    def sockets(self) -> pathlib.Path:
        """Unix sockets, and files that www-data must reach.

        Their paths may have 107 bytes only, and the state folder may lie
        below /root, where www-data cannot look.
        """
        name = hashlib.sha256(str(self.instance).encode()).hexdigest()[:8]
        return pathlib.Path('/run') / f'mixmatch-{name}'

    @property
    def guest(self) -> pathlib.Path:
        """The tiny guest's kernel and root."""
        return self.installed / 'guest'

    @property
    def clouds_yaml(self) -> pathlib.Path:
        """Return the path of clouds.yaml, for the people's own tools."""
        return self.root / 'clouds.yaml'

    def components(self, cloud: model.Cloud) -> tuple[str, ...]:
        """Return the components of a cloud in this mode."""
        return tuple(name for name in cloud.components
                     if not (self.fake and name in topology.NOT_FAKE))

    def tool(self, name: str) -> str:
        """A program of the virtual environment."""
        return str(self.venv / 'bin' / name)

    def etc(self, cloud: model.Cloud, name: str) -> pathlib.Path:
        """The configuration of a component."""
        return self.instance / 'etc' / cloud.name / name

    def var(self, cloud: model.Cloud, name: str) -> pathlib.Path:
        """The data of a component; made when first asked for."""
        path = self.instance / 'var' / cloud.name / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, cloud: str, name: str) -> pathlib.Path:
        """The log of a process."""
        return self.instance / 'log' / cloud / f'{name}.log'

    def record(self, cloud: str, name: str, kind: str) -> pathlib.Path:
        """Return the path of the record of a process or a task."""
        return self.instance / 'run' / f'{cloud}.{name}.{kind}'

    def prepare(self) -> None:
        """Make the folders."""
        for cloud in self.clouds:
            (self.instance / 'log' / cloud.name).mkdir(
                parents=True, exist_ok=True)
        (self.instance / 'run').mkdir(exist_ok=True)
        self.sockets.mkdir(mode=0o755, exist_ok=True)
        link = self.instance / 'sockets'
        if not link.is_symlink():
            link.symlink_to(self.sockets)

    @property
    def _rendered(self) -> pathlib.Path:
        return self.instance / 'run' / 'rendered.json'

    def rendered(self) -> dict[str, str]:
        """Path to digest of every file that the sandbox has written."""
        try:
            return json.loads(self._rendered.read_text())
        except FileNotFoundError:
            return {}

    def write(self, path: pathlib.Path, text: str, mode: int = 0o644) -> None:
        """Write a file of configuration, unless its content is as it was.

        A file that somebody changed by hand stays as it is until the
        sandbox itself wants another content.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            known = self.rendered()
            if known.get(str(path)) == digest and path.exists():
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
            known[str(path)] = digest
            self._rendered.write_text(json.dumps(known, indent=1))

    def digest(self, folder: pathlib.Path | None) -> str:
        """Return a digest of what the sandbox has written below a folder."""
        if folder is None:
            return ''
        lines = sorted(f'{path} {digest}'
                       for path, digest in self.rendered().items()
                       if pathlib.Path(path).is_relative_to(folder))
        return hashlib.sha256('\n'.join(lines).encode()).hexdigest()


def default_root() -> pathlib.Path:
    """The state folder unless told otherwise."""
    return pathlib.Path(os.environ.get('MIXMATCH_SANDBOX',
                                       REPOSITORY / '.sandbox'))


def installed(root: pathlib.Path) -> pathlib.Path:
    """Return the folder of what is installed and built once.

    Several sandboxes may share it.

    :param root: the state folder
    """
    return pathlib.Path(os.environ.get('MIXMATCH_SANDBOX_INSTALLED', root))


def last_mode(root: pathlib.Path) -> Mode | None:
    """The mode of what runs, or ran last."""
    try:
        known = json.loads((root / 'mode.json').read_text())
    except FileNotFoundError:
        return None
    return Mode(**{**known, 'with_nova': tuple(known.get('with_nova', ()))})


def remember_mode(root: pathlib.Path, mode: Mode) -> None:
    """Store the mode for the verbs after ``up``."""
    root.mkdir(parents=True, exist_ok=True)
    (root / 'mode.json').write_text(json.dumps(dataclasses.asdict(mode)))
