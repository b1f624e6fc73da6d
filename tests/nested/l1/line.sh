#!/bin/sh
# shellcheck disable=SC1091,SC2154 # what lib.sh sets
# In L1: line.sh WORD: a guest adds the line WORD to those on the disk, no more.
. "$(dirname "$0")/lib.sh"
use_guest /guest/trixie/Image /guest/trixie/initrd
cp /disk.img "$work/disk.img"
react() { :; }
run_guest virt --set "disk=$work/disk.img" --append "console=ttyS0 quiet bp.run=/bin/line bp.line=$1"
check "a guest adds a line to the disk and powers off ($took s)" is_equal 0 "$status"
cp "$work/disk.img" /out/disk.img
finish
