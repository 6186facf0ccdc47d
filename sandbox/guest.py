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

"""A guest of a few megabytes that proves that it can use its disks.

Debian's cloud kernel, busybox, and one script. For every disk that
appears it prints what it finds at sector 2048 and writes a marker there.
"""

import hashlib
import pathlib
import shutil
import subprocess

from sandbox import process
from sandbox import progress
from sandbox import state

SECTOR = 2048
#: An emulated processor boots it in less time without what protects or
#: checks itself.
COMMAND_LINE = ('console=ttyS0 quiet no_timer_check nokaslr mitigations=off '
                'cryptomgr.notests init_on_alloc=0 hardened_usercopy=off '
                'randomize_kstack_offset=off')
MODULES = ('virtio_ring', 'virtio', 'virtio_pci_modern_dev',
           'virtio_pci_legacy_dev', 'virtio_pci', 'virtio_blk')
INIT = r"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
exec >/dev/ttyS0 2>&1
for m in MODULES; do
    insmod /m/$m.ko || echo "GUEST: insmod $m failed"
done
at() { dd if=/dev/$1 bs=512 skip=SECTOR count=1 2>/dev/null | tr -d '\000'; }
echo "GUEST: up, kernel $(uname -r), waiting for /dev/vdb"
while :; do
    # A volume that is attached while the kernel starts may become vda. Only
    # the root disk has no serial.
    root=vda
    for d in vda vdb vdc vdd; do
        serial=
        [ -b /dev/$d ] || continue
        read serial </sys/block/$d/serial
        [ -n "$serial" ] || root=$d
    done
    for d in vda vdb vdc vdd; do
        serial=
        [ ! -b /dev/$d ] || read serial </sys/block/$d/serial
        if [ -n "$serial" ] && [ ! -e /seen.$d ]; then
            name=$d
            [ $d != vda ] || name=$root
            echo $name >/seen.$d
            read size </sys/block/$d/size
            echo "GUEST: $name appeared serial=$serial size=$size sectors"
            echo "GUEST: $name before: [$(at $d)]"
            up=$(cut -d' ' -f1 /proc/uptime)
            mark="MARKER-written-in-guest-on-$name-serial-$serial-uptime-$up"
            echo "$mark" | dd of=/dev/$d bs=512 seek=SECTOR \
                conv=sync,fsync 2>/dev/null
            echo 3 > /proc/sys/vm/drop_caches
            back=$(at $d)
            echo "GUEST: $name read back: [$back]"
            if [ "$mark" = "$back" ]; then
                echo "GUEST: $name OK"
            else
                echo "GUEST: $name MISMATCH"
            fi
        elif [ ! -b /dev/$d ] && [ -e /seen.$d ]; then
            read name </seen.$d
            rm /seen.$d
            echo "GUEST: $name is gone"
        fi
    done
    sleep 1
done
"""


def build(site: state.Site, report: progress.Progress) -> None:
    """Make kernel, initrd and an empty root disk, unless they exist."""
    folder = site.guest
    if site.fake:
        _pretend(folder)
        return
    made = hashlib.sha256(repr((INIT, SECTOR, MODULES)).encode()).hexdigest()
    record = folder / 'complete'
    if record.exists() and record.read_text() == made:
        return
    since = report.elapsed()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kernel = _kernel(folder)
    version = next((kernel / 'lib' / 'modules').iterdir()).name
    shutil.copy(kernel / 'boot' / f'vmlinuz-{version}', folder / 'vmlinuz')
    _initrd(folder, kernel / 'lib' / 'modules' / version)
    with (folder / 'root').open('wb') as stream:
        stream.truncate(1 << 20)
    shutil.rmtree(kernel)
    record.write_text(made)
    report.say(f'guest image with kernel {version} built', since)


def _pretend(folder: pathlib.Path) -> None:
    """The fake driver never looks into an image."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('vmlinuz', 'initrd', 'root'):
        if not (folder / name).exists():
            (folder / name).write_bytes(bytes(512))


def _run(log: pathlib.Path, folder: pathlib.Path, *command: str,
         data: bytes | None = None) -> bytes:
    with log.open('ab') as stream:
        result = subprocess.run(command, cwd=folder, stderr=stream,
                                input=data or b'', stdout=subprocess.PIPE)
    if result.returncode:
        raise process.Failed('guest image', f'{command[0]} failed', log)
    return result.stdout


def _kernel(folder: pathlib.Path) -> pathlib.Path:
    log = folder / 'log'
    depends = _run(log, folder, 'apt-cache', 'depends',
                   'linux-image-cloud-amd64').decode()
    package = next(line.split()[-1] for line in depends.splitlines()
                   if 'Depends: linux-image' in line)
    _run(log, folder, 'apt-get', '-q', 'download', package)
    archive = next(folder.glob('linux-image-*.deb'))
    _run(log, folder, 'dpkg-deb', '-x', archive.name, 'kernel')
    archive.unlink()
    return folder / 'kernel'


def _initrd(folder: pathlib.Path, modules: pathlib.Path) -> None:
    root = folder / 'initrd.d'
    for name in ('bin', 'proc', 'sys', 'dev', 'm'):
        (root / name).mkdir(parents=True)
    shutil.copy('/bin/busybox', root / 'bin' / 'busybox')
    for name in MODULES:
        shutil.copy(next(modules.rglob(f'{name}.ko')), root / 'm')
    script = INIT.replace('MODULES', ' '.join(MODULES))
    (root / 'init').write_text(script.replace('SECTOR', str(SECTOR)))
    (root / 'init').chmod(0o755)
    names = '\n'.join(sorted(str(path.relative_to(root))
                             for path in root.rglob('*')))
    (folder / 'initrd').write_bytes(_run(
        folder / 'log', root, 'cpio', '-o', '-H', 'newc', '--quiet',
        data=names.encode()))
    shutil.rmtree(root)
