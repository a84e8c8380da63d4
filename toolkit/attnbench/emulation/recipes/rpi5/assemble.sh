#!/bin/sh
# assemble.sh ROOT OVERLAY IMAGE PACKAGE...
# Fills the empty folder ROOT with Debian's PACKAGEs and the files of OVERLAY, and makes IMAGE, an
# ext4 file system, of it. To be run under fakeroot, which makes everything root's or user pi's.
set -eu
root=$1 overlay=$2 image=$3
shift 3

# Packages of this release still have files in /bin and /lib; the system has them in /usr.
for name in bin sbin lib; do
    mkdir -p "$root/usr/$name"
    ln -s "usr/$name" "$root/$name"
done
for package in "$@"; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./boot/*' \
        --exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' --exclude='./lib/modules/*'
done
cp -R "$overlay/." "$root/"
chown -R 0:0 "$root/etc" "$root/usr/sbin/attnbench-init" "$root/usr/bin/vcgencmd"
chmod 755 "$root/usr/sbin/attnbench-init" "$root/usr/bin/vcgencmd"
chmod 440 "$root/etc/sudoers.d/010_pi-nopasswd"
mkdir -p "$root/home/pi/.ssh" "$root/root" "$root/var/empty"
chmod 700 "$root/home/pi/.ssh"
chown -R 1000:1000 "$root/home/pi"
ln -sf bash "$root/bin/sh"
mke2fs -q -t ext4 -d "$root" -L rootfs -E lazy_itable_init=1,lazy_journal_init=1 "$image" 1536M
