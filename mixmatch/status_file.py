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

"""What the processes of a host think of service providers, in files.

Each writes its own when something changes; ``mixmatch-status`` reads them.
"""

import os
import pathlib
import sys
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import fileutils

from mixmatch import threads

LOG = logging.getLogger(__name__)

_SUFFIX = '.json'


def directory(conf: cfg.ConfigOpts) -> pathlib.Path | None:
    """Where the files are; None if none are written."""
    try:
        name = conf.mixmatch.status_directory
    except (cfg.TemplateSubstitutionError, cfg.NoSuchOptError):
        # NOTE: the default is below state_path, which not all programs have.
        return None
    return pathlib.Path(name) if name else None


def write(conf: cfg.ConfigOpts, health: dict[str, Any]) -> None:
    """Write what this process knows; a file that cannot be is no failure.

    :param health: service provider, service, state
    """
    where = directory(conf)
    if where is None:
        return
    try:
        # NOTE: where Python is embedded there may be no arguments.
        program = (getattr(sys, 'argv', None) or [''])[0] or 'python'
        name = f'{pathlib.Path(program).name}-{os.getpid()}'
        fileutils.ensure_tree(str(where), 0o755)
        for path in where.glob('*' + _SUFFIX):
            if not _alive(path):
                path.unlink(missing_ok=True)
        new = where / f'.{name}'
        new.write_bytes(jsonutils.dump_as_bytes(
            {'process': name, 'pid': os.getpid(), 'health': health,
             'problem': threads.problem()}))
        new.replace(where / (name + _SUFFIX))
    except (OSError, ValueError, TypeError) as exc:
        LOG.debug('The status of service providers is not written: %s', exc)


def read(where: pathlib.Path) -> list[dict[str, Any]]:
    """What the living processes have written.

    :raises OSError: they cannot be read
    """
    found = []
    for path in sorted(where.glob('*' + _SUFFIX)):
        if _alive(path):
            found.append(jsonutils.loads(path.read_bytes()))
    return found


def _alive(path: pathlib.Path) -> bool:
    pid = path.stem.rpartition('-')[2]
    return pid.isdigit() and pathlib.Path('/proc', pid).exists()
