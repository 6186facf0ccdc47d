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

"""Run a console script many times, and import it once.

``openstack`` needs 1.5 s of processor to import itself, and does its work in
a fraction of that. So one process imports the script and all of its plugins,
and each run is a fork of it, with arguments, environment and standard streams
of its own. What runs is the installed, unmodified script.

    PYTHON preloaded.py SCRIPT SOCKET [PLUGINS]

is that process. It needs nothing but the virtual environment of the script.
"""

import contextlib
import gc
from importlib import metadata
import json
import os
import select
import signal
import socket
import sys
import tempfile


def serve(script: str, path: str, plugins: str = '') -> None:
    """Run a script for each connection, until standard input is closed.

    :param script: the name of the console script
    :param path: of the socket
    :param plugins: what the groups of its plugins' entry points begin with
    """
    entry, = set(metadata.entry_points(group='console_scripts', name=script))
    main = entry.load()
    for group in metadata.entry_points().groups:
        if plugins and group.startswith(plugins):
            for each in metadata.entry_points(group=group):
                # NOTE: the script skips what cannot be imported as well.
                with contextlib.suppress(ImportError):
                    each.load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print('ready', flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                break
            connection.close()
        else:
            return
    if answer(connection):
        # NOTE: here ends a fork that is the script.
        sys.exit(main())


def answer(connection: socket.socket) -> bool:
    """Fork once more, and tell how that ended.

    :returns: whether this is the fork that has to run the script
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile('r') as stream:
        wanted = json.load(stream)
        with (open(os.devnull) as nothing, tempfile.TemporaryFile() as out,
              tempfile.TemporaryFile() as err):
            child = os.fork()
            if child == 0:
                for number, each in enumerate((nothing, out, err)):
                    os.dup2(each.fileno(), number)
                sys.argv = wanted['argv']
                os.environ.clear()
                os.environ.update(wanted['env'])
                return True
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = []
            for each in (out, err):
                each.seek(0)
                texts.append(each.read().decode(errors='replace'))
        connection.sendall(json.dumps([code, *texts]).encode())
    return False


if __name__ == '__main__':
    serve(*sys.argv[1:])
