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

"""A network of one's own."""

import ctypes
import fcntl
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000  # sched.h
_SIOCSIFFLAGS = 0x8914      # linux/sockios.h
_IFF_UP = 0x1               # linux/if.h


def isolate() -> None:
    """Move this process, and what it starts, to a network of its own.

    There is nothing in it but the loopback, and every port is free.

    :raises OSError: that is not allowed here
    """
    # NOTE: os.unshare is there since Python 3.12.
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        fcntl.ioctl(plain, _SIOCSIFFLAGS,
                    struct.pack('16sh22x', b'lo', _IFF_UP))
