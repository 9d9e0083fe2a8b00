# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck shell=sh disable=SC2012,SC2046
# The fields of `ls -ldn` are split on purpose: stat is no part of POSIX.

# Replace the file $1 with standard input, in one step. A file that exists keeps its owner, its group, its ACL and its mode, except that others lose
# their access; a new file has mode 0600. On failure the reason is on standard error, and $1 is unchanged.
# The new content is only ever in a directory that nobody else can enter, so nobody can open it before it has its final mode.
set -eu
umask 077
file=$1
new=$1.new

discard() {
    if [ -d "$new" ] && [ ! -L "$new" ]; then
        rm -f "$new/token"
        rmdir "$new"
    fi
}

owner() {
    set -- $(ls -ldn "$1")
    echo "$3:$4"
}

# What an earlier run left that was killed.
discard
trap discard EXIT
trap 'exit 1' HUP INT TERM
mkdir "$new"
# A default ACL of the directory above would have opened it.
chmod 700 "$new"

writable=true
if [ -e "$file" ]; then
    cp -a "$file" "$new/token"
    if [ "$(owner "$new/token")" != "$(owner "$file")" ]; then
        echo "the file belongs to $(owner "$file"), which could not be kept; run the role as its owner, or with become" >&2
        exit 1
    fi
    case $(ls -ld "$file") in ??w*) ;; *) writable=false ;; esac
    chmod u+w,o= "$new/token"
else
    : > "$new/token"
    chmod 600 "$new/token"
fi
cat > "$new/token"
"$writable" || chmod u-w "$new/token"
mv -f "$new/token" "$file"
